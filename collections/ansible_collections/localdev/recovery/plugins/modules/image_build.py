#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Build images of services beside those in use
description:
  - Builds under a name of their own (the tag ends with C(.candidate)), so that a build that fails changes nothing, and so that the
    images in use keep their names until M(localdev.recovery.set_aside) swaps them.
  - Builds every service of the same source (C(context) and C(dockerfile)) or of the same image too. Compose builds only what it is told
    to, and a worker of the same source would go on with the old code.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
attributes:
  check_mode:
    support: full
    details:
      - Check mode builds nothing, so it cannot know whether an image would differ, and says that it would.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - O(no_cache=true) makes new images every time, and so may a builder that puts the time into them.
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  services:
    description:
      - Services to build. Without it all that are built, enabled and not excluded.
    type: list
    elements: str
    default: []
  no_cache:
    description:
      - Whether to run every instruction again.
    type: bool
    default: false
  lines:
    description:
      - How many of the last lines of the build's output the error of a failed build shows.
    type: int
    default: 20
requirements:
  - Docker CLI with the Compose v2 plugin on the stack's host
"""

EXAMPLES = r"""
- name: Look at the stack
  localdev.recovery.stack_info:
    project_src: /srv/shop
  register: found

- name: Build what the application is made of
  localdev.recovery.image_build:
    stack: "{{ found.stack }}"
    services:
      - backend
  register: built
"""

RETURN = r"""
images:
  description:
    - The images, one entry per name. C(candidate) is the other name of one that differs from the image in use, else V(null); so is
      C(new_id) in check mode.
  returned: success
  type: list
  elements: dict
  sample:
    - image: shop-backend
      services: [backend]
      old_id: sha256:18250a61f62d9c6ac3b16ac8f92cbab2d3e5d615bcbf513d4a2923a2f44ccd2d
      new_id: sha256:4566d00cc5ed6f3f0d2f0a0e3a1f24c4cf9d7a4d9a6f5f1e3b0a9b8c7d6e5f40
      candidate: shop-backend:latest.candidate
seconds:
  description: Seconds that the build took.
  returned: success
  type: float
  sample: 12.3
"""

import json
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._container.recovery_plan import list_services_to_build
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import build_candidate_name
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import find_image_id, remove_image_name
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_config import (
    build_config_masker,
    read_compose_document,
)


def replace_image_names(document: t.Mapping[str, t.Any], names: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the Compose project with candidate names for the images of services (names: service -> image). Pure."""
    services = dict(document["services"])
    for service, image in names.items():
        # Compose gives further names of an image to the new one at once.
        build = {key: value for key, value in services[service]["build"].items() if key != "tags"}
        services[service] = {**services[service], "build": build, "image": build_candidate_name(image)}
    return {**document, "services": services}


def describe_build_failure(output: str, lines: int, masker: Masker, next_command: NextCommand) -> RecoveryError:
    """Return the error of a failed build with its last lines, without secrets. Pure."""
    shown = [line.rstrip() for line in output.splitlines() if line.strip()]
    return RecoveryError(
        FailureId.IMAGE_BUILD_FAILED,
        f"The build failed and nothing has changed: {masker.mask_text(shown[-1]) if shown else 'it printed nothing'}",
        details=["--- last lines of the build", *(masker.mask_text(line) for line in shown[-lines:])],
        next_command=next_command,
    )


def build_candidates(docker: Docker, names: t.Mapping[str, str], params: t.Mapping[str, t.Any]) -> None:
    """Build the images of services (names: service -> image) under candidate names."""
    document = read_compose_document(docker)
    project = Project.from_stack(params["stack"])
    options = ["--no-cache"] if params["no_cache"] else []
    done = docker.run(
        *("compose", "--file", "-", "--project-name", project.name, "--project-directory", project.src),
        *("build", *options, *sorted(names)),
        # The document holds the services' secrets and is therefore not written to a file.
        stdin=json.dumps(replace_image_names(document, names)),
        environment={"BUILDKIT_PROGRESS": "plain"},
        check=False,
    )
    if done.returncode != 0:
        again = project.compose_command("build", *sorted(names))
        raise describe_build_failure(done.output, params["lines"], build_config_masker(document), again)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    wanted = list_services_to_build(stack, params["services"])
    by_image: dict[str, list[str]] = {}
    for name in wanted:
        by_image.setdefault(stack["services"][name]["image"], []).append(name)
    old = {image: find_image_id(docker, image) for image in by_image}
    new: dict[str, str | None] = dict.fromkeys(by_image)
    started = time.monotonic()
    if not module.check_mode:
        build_candidates(docker, {services[0]: image for image, services in by_image.items()}, params)
        for image in by_image:
            candidate = build_candidate_name(image)
            new[image] = find_image_id(docker, candidate)
            if new[image] == old[image]:
                remove_image_name(docker, candidate)
    found = [
        {
            "image": image,
            "services": services,
            "old_id": old[image],
            "new_id": new[image],
            "candidate": build_candidate_name(image) if new[image] not in (None, old[image]) else None,
        }
        for image, services in sorted(by_image.items())
    ]
    before, after = ("".join(f"{item['image']} {item[key]}\n" for item in found) for key in ("old_id", "new_id"))
    return {
        "changed": module.check_mode or any(item["candidate"] for item in found),
        "images": found,
        "seconds": round(time.monotonic() - started, 2),
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "services": {"type": "list", "elements": "str", "default": []},
            "no_cache": {"type": "bool", "default": False},
            "lines": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
