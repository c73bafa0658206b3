# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program that answers for several sections of a configuration.

People with such a project run ``alembic -n`` once for each section. Each has its own migrations and version table in
the same database. Only sections without a common revision id can be told apart in a backup, so others are refused.
"""

import os

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.project import load_project
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import RequestRefused


def load_sections(request):
    """Return a list of (request, configuration, scripts, path, folder), one for each section of the request."""
    names = request.get("section") or [""]
    start = os.path.abspath(request.get("folder") or os.getcwd())
    target = request.get("target", "heads")
    if len(names) > 1 and target not in ("head", "heads"):
        message = "with several sections (%s) an upgrade goes to the heads of all, not to %s"
        raise RequestRefused("no_path", message % (", ".join(names), target))
    loaded, owners = [], {}
    for name in names:
        config, script, path = load_project(dict(request, section=name, folder=start))
        part = dict(request, section=name)
        if len(names) > 1:
            revisions = set(script.revision_map._revision_map) - {None, ()}
            for revision in sorted(revisions):
                if owners.setdefault(revision, name) != name:
                    message = "the sections %s and %s both have a revision %s"
                    raise RequestRefused("same_revision", message % (owners[revision], name, revision))
            if request.get("current") is not None:
                part["current"] = [revision for revision in request["current"] if revision in revisions]
        loaded.append((part, config, script, path, os.getcwd()))
    return loaded


def merge_answers(request, answers):
    """Return one answer for all sections. answers: of each section, in order."""
    if len(answers) == 1:
        return answers[0]
    merged = {"heads": sorted(head for answer in answers for head in answer["heads"])}
    for key in ("before", "current", "unknown", "overlapping", "branches", "merges", "applied", "revisions"):
        if key in answers[0]:
            merged[key] = [item for answer in answers for item in answer[key]]
    for key in ("before", "current"):
        if key in merged:
            merged[key].sort()
    if "version_tables" in answers[0]:
        merged["version_tables"] = sorted({table for answer in answers for table in answer["version_tables"]})
    if "unknown" in merged and request.get("current"):
        merged["unknown"] = sorted(set(request["current"]) - set(merged["current"]))
        merged["current"] = sorted(request["current"])
    if "pending" in answers[0]:
        known = not merged["unknown"] and all(answer["pending"] is not None for answer in answers)
        merged["pending"] = [item for answer in answers for item in answer["pending"]] if known else None
    if "labels" in answers[0]:
        merged["labels"] = {label: revision for answer in answers for label, revision in answer["labels"].items()}
    if "schema_diff" in answers[0]:
        merged.update(merge_schema_diffs(answers))
    return merged


def merge_schema_diffs(answers):
    """Return the differences of all sections. What the models of another section have is not to be removed."""
    problems = [answer["schema_diff_problem"] for answer in answers if answer.get("schema_diff_problem")]
    if problems:
        return {"schema_diff": None, "schema_diff_problem": problems[0]}
    diffs = [answer["schema_diff"] for answer in answers]
    found = []
    for diff in diffs:
        for item in diff:
            removed = item["change"].startswith("remove_")
            if item not in found and (not removed or all(item in other for other in diffs)):
                found.append(item)
    return {"schema_diff": found}
