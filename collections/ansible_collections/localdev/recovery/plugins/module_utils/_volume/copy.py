# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Copy volumes and folders, and compare the copy with the original byte by byte."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import is_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location, find_nearest_folder
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import (
    OnVerified,
    VolumeProgram,
    raise_for_error,
)


def copy_tree(
    program: VolumeProgram,
    source: Location,
    target: Location,
    *,
    labels: t.Mapping[str, str],
    reserve: int,
    check_mode: bool,
) -> dict[str, t.Any]:
    """Copy and verify. ``same``: the target was a copy already. ``resumed``: files of an earlier, interrupted copy."""
    docker = program.docker
    source.require_exists(docker)
    if source == target:
        raise RecoveryError(FailureId.OPTION_INVALID, f"Source and target are both the {source}")
    source.refuse_if_used(docker)
    target_exists = target.exists(docker)
    if target_exists:
        target.refuse_if_used(docker)
    mounts = source.mount_arguments("/from", writable=False)
    if check_mode and not target_exists:
        room = Location("folder", find_nearest_folder(target.name)) if target.kind == "folder" else None
        mounts += room.mount_arguments("/room", writable=False) if room else []
    else:
        target.create(docker, labels)
        mounts += target.mount_arguments("/to", writable=not check_mode)
    answer = program.send_request(
        {
            "do": "copy",
            "source": "/from",
            "target": "/to" if target_exists or not check_mode else "",
            "room_at": "/to" if target_exists else "/room" if target.kind == "folder" else "/",
            "token": str(source),
            "reserve": reserve,
            "look_only": check_mode,
            "hold": is_breakpoint("copying"),
        },
        mounts,
    )
    raise_for_error(answer, str(source), target)
    return answer


def replace_volume_content(
    program: VolumeProgram, source: str, target: str, on_verified: OnVerified | None = None
) -> dict[str, t.Any]:
    """Give a volume the content of another one, and nothing else; return its ``bytes`` and ``digest``.

    on_verified: called with both when the copy is verified; then the source is emptied. May be repeated after a crash.
    """
    locations = Location("volume", source), Location("volume", target)
    request = {
        "do": "copy",
        "source": "/from",
        "target": "/to",
        "token": str(locations[0]),
        "reserve": 0,
        "replace": True,
        "prove": True,
        "then_empty": on_verified is not None,
    }
    mounts = [
        *locations[0].mount_arguments("/from", writable=on_verified is not None),
        *locations[1].mount_arguments("/to", writable=True),
    ]
    answer = program.send_request(request, mounts, on_verified=on_verified)
    raise_for_error(answer, str(locations[0]), locations[1])
    return answer
