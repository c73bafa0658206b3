#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Give a host the images that it lacks, from the controller's Docker Engine
description:
  - Checks which images the host's engine lacks, saves those on the controller, sends them over Ansible's own connection and
    loads them. No registry is needed.
  - An image that the host has under that name is not changed, even if the controller has a newer one.
  - Layers that images share are sent once.
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
      - An image is more than a difference could show. RV(lacking) names those that are, or would be, loaded.
  idempotent:
    support: full
options:
  images:
    description:
      - Names of the images, which the controller's engine has under the same names.
    type: list
    elements: str
    required: true
  compress:
    description:
      - Whether the images are compressed on their way. In a network of 100 MB/s and more it is quicker without.
    type: bool
    default: true
  archive:
    description:
      - Set by the action plugin. The archive on the host that is to be loaded.
    type: str
    default: ""
  sha256:
    description:
      - Set by the action plugin. Expected SHA-256 of the archive.
    type: str
    default: ""
requirements:
  - Docker CLI on the controller and on the host
"""

EXAMPLES = r"""
- name: Give the host its images
  localdev.recovery.image_load:
    images:
      - postgres:15
      - shop-backend
"""

RETURN = r"""
lacking:
  description: The images that the host lacked, and has now.
  returned: success
  type: list
  elements: str
  sample: [shop-backend]
incoming:
  description: Where the archive of images arrives on the host, and is deleted again.
  returned: success
  type: str
  sample: /home/me/.cache/localdev-recovery/images.tar
"""

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
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import find_image_id


def load_archive(docker: Docker, archive: str, sha256: str) -> None:
    """Load an archive of images. Raise RecoveryError on a checksum mismatch."""
    verify_received_digest(f"archive of images {archive}", hash_file(archive)["sha256"], sha256)
    docker.run("load", "--quiet", "--input", archive)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    docker = Docker()
    archive = module.params["archive"]
    if archive:
        load_archive(docker, archive, module.params["sha256"])
    lacking = [name for name in module.params["images"] if find_image_id(docker, name) is None]
    if archive and lacking:
        raise RecoveryError(
            FailureId.IMAGE_MISSING, f"The images {', '.join(lacking)} were loaded, but not under these names"
        )
    return {"changed": bool(archive or lacking), "lacking": lacking, "incoming": get_incoming_path("images.tar")}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "str", "required": True},
            "compress": {"type": "bool", "default": True},
            "archive": {"type": "str", "default": ""},
            "sha256": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
