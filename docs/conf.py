# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation site. The texts of verbs, roles and modules come from their definitions."""

from __future__ import annotations

import os
import re
from importlib.metadata import version as installed_version
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from localdev_recovery.verbs.catalog import PROCEDURES
from localdev_recovery.verbs.definition import COLLECTION, Procedure

project = "localdev.recovery"
author = "localdev.recovery contributors"
version = release = installed_version("localdev-recovery")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_antsibull_ext", "sphinx_click", "sphinx_copybutton"]
html_theme = "furo"
html_title = project
html_extra_path = ["../src/localdev_recovery/result.schema.json"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("search-headings.js", {"defer": "defer"}), ("table-labels.js", {"defer": "defer"})]
# Quotes and dashes of commands and errors stay as people type them, also into the search.
smartquotes = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
# Their lines are text, not Python.
highlight_language = "none"

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "collections/ansible_collections/localdev/recovery/roles"
PAGES = ROOT / "docs" / "generated"

# Where generated pages refer to what only Ansible's own documentation has.
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
LABELS = {
    "common_return_values": "reference_appendices/common_return_values.html",
    "action_plugins": "plugins/action.html",
}

PAGE = """\
# {title}

```{{list-table}}
{rows}
```

{summaries}

```{{include}} {readme}
:start-line: 1
```
"""


def page(role: Path) -> str:
    """Return the description of a role's verbs, then that of the role itself."""
    verbs = [procedure for procedure in PROCEDURES if procedure.playbook == role.name]
    commands = ", ".join(f"{{ref}}`localdev {verb.verb} <cli-{verb.verb.replace(' ', '-')}>`" for verb in verbs)
    address = f"{COLLECTION}.{role.name}"
    cells = {
        "Command": commands,
        "Playbook": f"`{address}`" if is_procedure(role) else "",
        "Variables": f"{{ansplugin}}`{address}#role`",
    }
    readme = role / "README.md"
    return PAGE.format(
        title=readme.read_text().partition("\n")[0].removeprefix("# "),
        rows="\n".join(f"* - {name}\n  - {text}" for name, text in cells.items() if text),
        summaries="\n".join(map(summary, verbs)),
        readme=os.path.relpath(readme, PAGES / "procedures"),
    )


def is_procedure(role: Path) -> bool:
    return (role.parents[1] / "playbooks" / f"{role.name}.yml").exists()


def summary(verb: Procedure) -> str:
    """Return the summary of the command's help: both come from one table."""
    indented = verb.explanation.replace("\n", "\n  ")
    return f"**localdev {verb.verb}**\n: {verb.summary} {indented}\n"


def write_pages(app: Sphinx) -> None:
    """Write a page for each procedure, and one for each role that procedures share, if its text has changed."""
    roles = [path.parent for path in ROLES.glob("*/README.md")]
    wanted = {
        PAGES / ("procedures" if is_procedure(role) else "shared") / f"{role.name}.md": page(role) for role in roles
    }
    for path in set(PAGES.glob("*/*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def elsewhere(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Return a reference to a verb's section of the page that sphinx-click makes, or to Ansible's documentation."""
    target = str(node.get("reftarget", ""))
    if target.startswith("cli-"):
        page = app.builder.get_relative_uri(node["refdoc"], "cli")
        return nodes.reference("", "", contnode, refuri=f"{page}#localdev-{target.removeprefix('cli-')}")
    if target in LABELS:
        return nodes.reference("", "", contnode, refuri=ANSIBLE + LABELS[target])
    match = re.fullmatch(r"ansible_collections\.(\w+)\.(\w+)\.(\w+_module)", target)
    return match and nodes.reference("", "", contnode, refuri=f"{ANSIBLE}collections/{'/'.join(match.groups())}.html")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_pages, priority=1)
    app.connect("missing-reference", elsewhere)
