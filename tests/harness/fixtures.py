# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Share pytest fixtures between several suites."""

from __future__ import annotations

import typing as t

import pytest

from tests.harness.engine import DockerMissing
from tests.harness.reference_stack import ReferenceStack, running_stack_with_old_data


def share_stack(mounts: str, variant: str, **options: t.Any) -> t.Iterator[ReferenceStack]:
    """Yield a running stack with old data for a whole session. Fail with one line if no engine answers.

    options: of StackSettings.
    """
    try:
        with running_stack_with_old_data(mounts, variant, **options) as stack:
            yield stack
    except DockerMissing as exc:
        pytest.fail(str(exc), pytrace=False)
