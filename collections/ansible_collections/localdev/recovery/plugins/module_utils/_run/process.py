# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Identify a process and check whether it is still alive, also after a reboot and from another machine."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import typing as t

# ``PID:PARENT_PID`` of an ansible-playbook that ends with its parent. localdev sets it.
PARENT_VARIABLE = "LOCALDEV_RECOVERY_PARENT"


def get_machine_identity() -> str:
    """Return ``machine/boot/process namespace``: process ids can be compared only within one identity.

    The boot id changes with a reboot. The namespace differs between containers on one kernel.
    """
    home = socket.gethostname()
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="ascii") as handle:
        home += f"+{handle.read().strip()}"
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
        return f"{home}/{handle.read().strip()}/{os.stat('/proc/self/ns/pid').st_ino}"
    return home


def has_rebooted_since(then: str, now: str) -> bool:
    """Return whether two identities are of one machine before and after a reboot. Pure."""
    old, new = then.split("/"), now.split("/")
    return len(old) == len(new) == 3 and old[0] == new[0] and old[1] != new[1]


def read_process_start(pid: int) -> str | None:
    """Return a value that changes when a process id is used again, or None if there is no such process."""
    if os.path.isdir("/proc/self"):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
                fields = handle.read().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def describe_process(pid: int | None = None) -> dict[str, t.Any]:
    """Return what is_process_alive needs to recognize a process, by default this one."""
    pid = os.getpid() if pid is None else pid
    return {"machine": get_machine_identity(), "pid": pid, "started": read_process_start(pid)}


def is_process_alive(process: t.Mapping[str, t.Any]) -> bool | None:
    """Return whether a process of this machine is alive, or None for a process of another machine."""
    then, now = str(process.get("machine")), get_machine_identity()
    if then != now:
        return False if has_rebooted_since(then, now) else None
    started = read_process_start(int(process["pid"]))
    return started is not None and started == process.get("started")


def describe_controller(pid: int) -> dict[str, t.Any]:
    """Return the process of a controller, and as ``parent`` the process with which it ends, where there is one."""
    controller = describe_process(pid)
    owner, _separator, parent = os.environ.get(PARENT_VARIABLE, "").partition(":")
    # A playbook that starts another ansible-playbook hands the variable down.
    if owner == str(pid) and parent.isdigit():
        controller["parent"] = describe_process(int(parent))
    return controller


def is_controller_alive(controller: t.Mapping[str, t.Any]) -> bool | None:
    """Return whether a controller is alive. It counts as gone when its parent is dead, even if it still hangs.

    None: it runs on another machine.
    """
    alive, parent = is_process_alive(controller), controller.get("parent")
    return is_process_alive(parent) if alive and parent else alive
