#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: project_checkout
short_description: Give a host the checkout of a project where it has none
description:
  - Clones a repository, or what is committed in the controller's own checkout, which is sent as a git bundle with its history. Files
    that git does not track, such as C(.env), never leave the controller.
  - A folder that is not empty is not changed.
  - The clone is made beside the folder and renamed at the end, so an interrupted clone leaves no incomplete checkout.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - A checkout is more than a difference could show.
  idempotent:
    support: full
options:
  dest:
    description:
      - Folder of the checkout on the host.
    type: path
    required: true
  repository:
    description:
      - Address from which the host clones. It must hold no password or token. Empty takes O(source).
    type: str
    default: ""
  source:
    description:
      - Folder on the controller, in a checkout of the project.
    type: str
    default: ""
  version:
    description:
      - Branch or tag. Empty takes the repository's default branch, or the one that is checked out in O(source).
    type: str
    default: ""
  bundle:
    description:
      - Set by the action plugin. The git bundle on the host.
    type: str
    default: ""
  sha256:
    description:
      - Set by the action plugin. Expected SHA-256 of the bundle.
    type: str
    default: ""
  origin:
    description:
      - Set by the action plugin. Address of C(origin) in a clone of a bundle.
    type: str
    default: ""
seealso:
  - module: ansible.builtin.git
requirements:
  - git on the host, and on the controller where O(source) is taken
"""

EXAMPLES = r"""
- name: Clone
  localdev.recovery.project_checkout:
    dest: /home/me/shop
    repository: git@git.example.com:team/shop.git

- name: Give the host what is committed here
  localdev.recovery.project_checkout:
    dest: /home/me/shop
    source: ~/src/shop
"""

RETURN = r"""
wanted:
  description: Whether the host had nothing at O(dest).
  returned: success
  type: bool
commit:
  description: The commit that is checked out, where one was made.
  returned: when a checkout was made
  type: str
  sample: 5fb8fd7c0d1f4a5c8e9f00112233445566778899
left_behind:
  description: Files that are not committed in O(source), and were therefore not sent.
  returned: when O(source) was sent
  type: list
  elements: str
  sample: [notes.txt]
incoming:
  description: Where the bundle arrives on the host, and is deleted again.
  returned: success
  type: str
  sample: /home/me/.cache/localdev-recovery/checkout.bundle
"""

import os
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_file
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.transfer import (
    get_incoming_path,
    verify_received_digest,
)
from ansible_collections.localdev.recovery.plugins.module_utils._git.url import has_url_secret

# Git must fail instead of asking for a password.
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", "LC_ALL": "C"}


def is_path_in_use(path: str) -> bool:
    """Return whether the path exists and is anything but an empty folder."""
    return os.path.lexists(path) and (not os.path.isdir(path) or bool(os.listdir(path)))


def run_git(module: AnsibleModule, *arguments: str) -> str:
    """Run git and return its output. Raise RecoveryError if it fails."""
    code, out, err = module.run_command(["git", *arguments], environ_update=ENVIRONMENT)
    if code != 0:
        raise RecoveryError(
            FailureId.GIT_FAILED,
            f"git {arguments[0]} failed on the host with exit code {code}",
            details=err.strip().splitlines(),
            hint="If the host cannot reach the repository, set provision_source to send the controller's checkout.",
        )
    return t.cast(str, out).strip()


def clone_repository(module: AnsibleModule, address: str) -> str:
    """Clone beside the folder, rename the clone to the folder, and return the commit."""
    params = module.params
    dest = params["dest"]
    partial = f"{dest}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(os.path.dirname(dest), exist_ok=True)
    branch = ["--branch", params["version"]] if params["version"] else []
    run_git(module, "clone", "--quiet", *branch, "--", address, partial)
    if params["bundle"]:
        change = ["set-url", "origin", params["origin"]] if params["origin"] else ["remove", "origin"]
        run_git(module, "-C", partial, "remote", *change)
    commit = run_git(module, "-C", partial, "rev-parse", "HEAD")
    # The target is an empty folder or does not exist.
    os.rename(partial, dest)
    return commit


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    if has_url_secret(params["repository"]):
        raise RecoveryError(
            FailureId.REPOSITORY_HAS_SECRET,
            "The address in repository holds a password or token, which others could read on the host while git runs",
            hint="Use an SSH address, a credential helper on the host, or provision_source.",
        )
    result = {"wanted": not is_path_in_use(params["dest"]), "incoming": get_incoming_path("checkout.bundle")}
    if not result["wanted"]:
        return {"changed": False, **result}
    if not params["repository"] and not params["source"]:
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_MISSING,
            f"There is no checkout in {params['dest']}, and no source of one is known",
            hint="Set provision_source to the controller's checkout, or provision_repository to its URL.",
        )
    address = params["repository"] or params["bundle"]
    if module.check_mode or not address:
        return {"changed": module.check_mode, **result}
    if params["bundle"]:
        verify_received_digest("checkout", hash_file(params["bundle"])["sha256"], params["sha256"])
    try:
        return {"changed": True, **result, "commit": clone_repository(module, address)}
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_WRITABLE, f"The checkout cannot be written to {params['dest']}: {exc.strerror}"
        ) from exc


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "repository": {"type": "str", "default": ""},
            "source": {"type": "str", "default": ""},
            "version": {"type": "str", "default": ""},
            "bundle": {"type": "str", "default": ""},
            "sha256": {"type": "str", "default": ""},
            "origin": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
