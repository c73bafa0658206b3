# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.modules import image_build


def test_candidates_are_built_under_other_names_and_nothing_else_changes() -> None:
    document = {
        "name": "shop",
        "services": {
            "backend": {"build": {"context": "/b", "tags": ["shop:1"]}, "environment": {"A": "$$x"}},
            "db": {"image": "postgres:15"},
        },
    }
    assert image_build.replace_image_names(document, {"backend": "shop-backend"}) == {
        "name": "shop",
        "services": {
            "backend": {
                "build": {"context": "/b"},
                "image": "shop-backend:latest.candidate",
                "environment": {"A": "$$x"},
            },
            "db": {"image": "postgres:15"},
        },
    }


def test_a_failed_build_shows_its_last_lines_without_secrets() -> None:
    output = "\n".join([*(f"#{n} step" for n in range(9)), "token s3cret-token", "", "failed to solve: exit code: 3"])
    build = program_command("docker", "compose", "build", "web")
    error = image_build.describe_build_failure(output, 3, Masker(["s3cret-token"]), build)
    assert error.failure is FailureId.IMAGE_BUILD_FAILED
    assert error.message.endswith(": failed to solve: exit code: 3")
    assert error.details[1:] == ["#8 step", "token ********", "failed to solve: exit code: 3"]
    assert error.next_command == build
