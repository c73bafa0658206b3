#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_files
short_description: Put files of the checkout into the running containers of a Compose stack
description:
  - Finds out where each file belongs from the C(COPY) lines of the Dockerfile, and replaces it in every running container of every
    service that is built from the same context or runs the same image.
  - A file that is replaced keeps its owner and mode. A new file gets the owner of its folder. Each file is at any moment the old
    or the new one.
  - Python files are compiled first by the container's own Python. If one does not compile, nothing is changed.
  - The old content is kept by the run first, so that an undo restores it, or removes a file that was new.
  - A file that a service sees through a bind mount is live already, and is only reported.
  - Does not restart anything.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Secrets that the containers' environments hold are masked.
  idempotent:
    support: full
options:
  files:
    description:
      - Files, or folders of files, relative to the project's folder or absolute, on the stack's host.
    type: list
    elements: str
    default: []
  git_range:
    description:
      - C(A..B), whose changed files are taken as they are in C(B); files that C(B) does not have are removed. C(A) alone means
        C(A..HEAD). Files that belong into no image are left out.
    type: str
    default: ""
  services:
    description:
      - Only into these services, and those that share their image or build context. Without it into all that have the file.
    type: list
    elements: str
    default: []
  targets:
    description:
      - Path of the checkout, relative to the project's folder or absolute, to path in the containers, for all that is at it and
        below. For files that the Dockerfile does not copy by a plain line.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: See what would change
  localdev.recovery.container_files:
    stack: "{{ found.stack }}"
    files: [backend/app/main.py]
  check_mode: true
  diff: true

- name: Put a file into the containers
  localdev.recovery.container_files:
    stack: "{{ found.stack }}"
    run_id: "{{ run.run_id }}"
    files: [backend/app/main.py]
"""

RETURN = r"""
files:
  description: Actions on each file in each container, in check mode the planned ones.
  returned: success
  type: list
  elements: dict
  sample:
    - service: backend
      container: shop-backend-1
      source: /srv/shop/backend/app/main.py
      path: /app/app/main.py
      action: replaced
services:
  description: Services in whose containers something was (would be) changed.
  returned: success
  type: list
  elements: str
live:
  description: Services that see some of the files through a bind mount. Restarting them is enough.
  returned: success
  type: list
  elements: str
notes:
  description: Notes, such as a service that does not run.
  returned: success
  type: list
  elements: str
asides:
  description: Objects that were set aside, the files as they were.
  returned: success
  type: list
  elements: dict
"""

import itertools
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._container.checkout import (
    collect_checkout_files,
    read_dockerfiles,
    resolve_parent_folders,
    resolve_stack_paths,
)
from ansible_collections.localdev.recovery.plugins.module_utils._container.files import (
    ContainerFile,
    FileChange,
    apply_file_changes,
    check_python_syntax,
    plan_file_change,
    read_container_files,
)
from ansible_collections.localdev.recovery.plugins.module_utils._container.injection_plan import (
    TARGETS_VARIABLE,
    InjectionTarget,
    choose_container_path,
    find_injection_targets,
    mask_diff_content,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    choose_shell_image,
)

Inspected = dict[str, t.Any]


class PlannedFile(t.NamedTuple):
    """One file in one container."""

    target: InjectionTarget
    container: Inspected
    path: str
    found: ContainerFile
    change: FileChange | None

    @property
    def container_name(self) -> str:
        return t.cast(str, self.container["Name"]).lstrip("/")

    def build_result(self) -> dict[str, str]:
        action = "same"
        if self.change is not None:
            new = "removed" if self.change.content is None else "new"
            action = "replaced" if self.found.kind == "file" and new == "new" else new
        return {
            "service": self.target.service,
            "container": self.container_name,
            "source": self.target.source.path,
            "path": self.path,
            "action": action,
        }


def list_running_containers(
    docker: Docker, stack: StackDescription
) -> tuple[dict[str, list[Inspected]], dict[str, str]]:
    """Return the running containers by service, and the state of the services without one."""
    found: dict[str, list[Inspected]] = {}
    states: dict[str, str] = {}
    for container in docker.containers(stack["project"]["name"]):
        service = get_compose_label(container, "service")
        if container["State"]["Status"] == "running":
            found.setdefault(service, []).append(container)
        else:
            states[service] = container["State"]["Status"]
    return found, {name: state for name, state in states.items() if name not in found}


def refuse_read_only(container: Inspected) -> None:
    if (container.get("HostConfig") or {}).get("ReadonlyRootfs"):
        raise RecoveryError(
            FailureId.CONTAINER_READ_ONLY,
            f"The root file system of container {container['Name'].lstrip('/')} is read-only (read_only in the Compose "
            "file): nothing can be injected into it",
            hint="Build its image from the changed files instead.",
            next_command=playbook_command(
                "container_recovery",
                container_recovery_action="rebuild",
                container_recovery_services=[get_compose_label(container, "service")],
            ),
        )


def plan_injection(
    docker: Docker, stack: StackDescription, params: dict[str, t.Any]
) -> tuple[list[PlannedFile], list[InjectionTarget], list[str], list[Inspected]]:
    """Return the planned files, the targets that are live already, notes, and the containers concerned."""
    folder = stack["project"]["dir"]
    containers, idle = list_running_containers(docker, stack)
    workdirs = {name: items[0]["Config"].get("WorkingDir") or "/" for name, items in containers.items()}
    targets = {
        resolve_parent_folders(os.path.join(folder, name)): str(path) for name, path in params["targets"].items()
    }
    found_targets, notes = find_injection_targets(
        stack,
        collect_checkout_files(folder, params["files"], params["git_range"]),
        named=params["services"],
        targets=targets,
        dockerfiles=read_dockerfiles(stack),
        workdirs=workdirs,
    )
    live = [target for target in found_targets if target.live]
    into = [target for target in found_targets if not target.live]
    for name in dict.fromkeys(target.service for target in into):
        if name not in containers:
            notes.append(f"{name} does not run ({idle.get(name, 'no container')}): nothing is injected into it")
    pairs = [(target, container) for target in into for container in containers.get(target.service, ())]
    if into and not pairs:
        names = sorted({target.service for target in into})
        raise RecoveryError(
            FailureId.SERVICE_NOT_RUNNING,
            f"Nothing can be injected, because no container of {', '.join(names)} is running",
            details=list(dict.fromkeys(notes)),
            next_command=Project.from_stack(stack).compose_command("up", "--detach", *names),
        )
    concerned = list({container["Id"]: container for _target, container in pairs}.values())
    for container in concerned:
        refuse_read_only(container)
    wanted = {
        container["Id"]: [path for target, other in pairs if other is container for path in target.paths]
        for container in concerned
    }
    files_by_container = dict(
        zip(wanted, map_in_parallel(lambda item: read_container_files(docker, *item), list(wanted.items())))
    )
    work = []
    for target, container in pairs:
        found = files_by_container[container["Id"]]
        path = choose_container_path(target, found)
        if found[path].kind not in ("file", "absent"):
            what = "a symbolic link" if found[path].kind == "link" else "no plain file"
            raise RecoveryError(
                FailureId.INJECTION_NOT_A_FILE,
                f"{path} in {container['Name'].lstrip('/')} is {what}",
                hint=f"Set {TARGETS_VARIABLE} to the path of the file itself.",
            )
        change = plan_file_change(path, target.source.content, target.source.executable, found[path])
        work.append(PlannedFile(target, container, path, found[path], change))
    return work, live, notes, concerned


def refuse_syntax_errors(docker: Docker, work: t.Sequence[PlannedFile]) -> list[str]:
    """Compile each changed Python file once for every image; return notes on images without Python."""
    notes = []
    by_image = itertools.groupby(
        sorted(work, key=lambda w: t.cast(str, w.container["Image"])), lambda w: w.container["Image"]
    )
    for _image, group in by_image:
        items = [w for w in group if w.change and w.change.content is not None and w.path.endswith(".py")]
        if not items:
            continue
        container, origin = items[0].container, {w.path: w.target.source.path for w in items}
        files = {w.path: w.target.source.content or b"" for w in items}
        problems = check_python_syntax(docker, container["Id"], files)
        if problems is None:
            notes.append(f"{container['Name'].lstrip('/')} has no Python: its Python files are not compiled first")
        elif problems:
            raise RecoveryError(
                FailureId.SOURCE_SYNTAX_ERROR,
                f"The Python of {container['Name'].lstrip('/')} does not compile "
                + ", ".join(origin[path] for path in sorted(problems)),
                details=[f"{origin[path]}: {why}" for path, why in sorted(problems.items())],
                hint="Correct the files, then try again.",
                next_command=program_command("python3", "-m", "py_compile", *(origin[p] for p in sorted(problems))),
            )
    return notes


def build_diff(work: t.Sequence[PlannedFile], concerned: t.Sequence[Inspected]) -> list[dict[str, str]]:
    """Return one difference for all containers in which it is the same."""
    masker = build_container_masker(concerned)
    grouped: dict[tuple[t.Any, ...], list[PlannedFile]] = {}
    for item in work:
        if item.change is not None:
            grouped.setdefault((item.path, item.found.digest, item.change.digest), []).append(item)
    found = []
    for (path, before, _after), items in grouped.items():
        first = items[0]
        names = ", ".join(item.container_name for item in items)
        found.append(
            {
                "before_header": f"{names}:{path}",
                "after_header": first.target.source.path,
                "before": "" if before == "absent" else mask_diff_content(first.found.content, masker),
                "after": mask_diff_content(first.target.source.content, masker),
            }
        )
    return found


def inject_files(
    docker: Docker, stack: StackDescription, params: dict[str, t.Any], work: list[PlannedFile]
) -> list[SetAsideEntry]:
    with ActiveRun(RunStore.from_stack(stack), params["run_id"], params["step"]) as run:
        image = choose_shell_image(stack)
        items = [
            {
                "kind": "container_file",
                "name": f"{w.container_name}:{w.path}",
                "service": w.target.service,
                "container_id": w.container["Id"],
                "image_id": w.container["Image"],
                "sha256": w.change.digest,
                "folders": list(w.change.folders) or None,
            }
            for w in work
            if w.change is not None
        ]
        asides = SetAsideManager(docker, run, image).keep(items)
        wait_at_breakpoint(run, "kept:container_files")
        for identity in dict.fromkeys(w.container["Id"] for w in work if w.change):
            apply_file_changes(docker, identity, [w.change for w in work if w.change and w.container["Id"] == identity])
            wait_at_breakpoint(run, "injected:container")
        run.mark_kept_as_live()
    return asides


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params, stack = module.params, resolve_stack_paths(module.params["stack"])
    docker = Docker(Project.from_stack(stack))
    work, live, notes, concerned = plan_injection(docker, stack, params)
    notes += refuse_syntax_errors(docker, work)
    changed = [item for item in work if item.change is not None]
    asides: list[SetAsideEntry] = []
    if changed and not module.check_mode:
        if not params["run_id"]:
            raise RecoveryError(
                FailureId.OPTION_MISSING,
                "run_id is required: what is replaced is kept by a run",
                hint="Pass the run_id of a run that recovery_run has started.",
            )
        asides = inject_files(docker, stack, params, work)
    return {
        "changed": bool(changed),
        "files": [item.build_result() for item in work]
        + [
            {"service": p.service, "container": "", "source": p.source.path, "path": p.paths[0], "action": "live"}
            for p in live
        ],
        "services": sorted({item.target.service for item in changed}),
        "live": sorted({target.service for target in live}),
        "notes": notes,
        "asides": asides,
        "diff": build_diff(work, concerned),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "files": {"type": "list", "elements": "str", "default": []},
            "git_range": {"type": "str", "default": ""},
            "services": {"type": "list", "elements": "str", "default": []},
            "targets": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
