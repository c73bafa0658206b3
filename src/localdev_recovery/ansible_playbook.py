# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-playbook such that it ends with the process that started it, even when SIGKILL ended that one.

A program: ``python -P ansible_playbook.py PARENT_PID ANSIBLE_PLAYBOOK ARGUMENTS``. It imports nothing of this package.

Ansible's workers leave the session and the process group of ansible-playbook, so no signal to those reaches them. On
Linux, the kernel sends each process a signal when its parent ends. Elsewhere, ansible-playbook gets SIGHUP because its
terminal closes, and a worker finishes its task.
"""

from __future__ import annotations

import contextlib
import ctypes
import locale
import os
import resource
import signal
import sys

# ``PID:PARENT_PID``, for the action plugin that tells the lock who the controller is. The first one shows whether the
# variable is meant for that ansible-playbook, or inherited from an outer one.
PARENT_VARIABLE = "LOCALDEV_RECOVERY_PARENT"

# Seconds. The default of 1 ms takes a tenth of a processor while a long step runs. No environment variable sets it.
POLL_INTERVAL_S = 0.01
_POLL_SETTING = "DEFAULT_INTERNAL_POLL_INTERVAL"

# Ansible needs one of them. Debian, Fedora and Alpine have the first, macOS has the last.
UTF8_LOCALES = ("C.UTF-8", "C.utf8", "en_US.UTF-8")
# With many hosts, each fork has several pipes.
OPEN_FILES = 4096

# The collections that the wheel contains. For all other programs, a path file adds the folder to Python's path.
VENDORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_vendor")

_PR_SET_PDEATHSIG = 1  # From linux/prctl.h.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def end_with_parent(parent: int, number: signal.Signals) -> None:
    """Let the kernel send this process a signal when its parent ends. Exit if the parent has ended already.

    To the kernel, the parent is the thread that forked. ansible-runner waits in that thread for ansible-playbook.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number))
    if os.getppid() != parent:
        os._exit(1)


def end_workers_with_this_process() -> None:
    """Let each process that this one forks from now on end with it: SIGTERM makes a worker end its module as well."""
    controller = os.getpid()
    forking = [controller]

    def note_forking_process() -> None:
        forking[0] = os.getpid()

    def set_death_signal() -> None:
        if forking[0] == controller:
            end_with_parent(controller, signal.SIGTERM)

    os.register_at_fork(before=note_forking_process, after_in_child=set_death_signal)


def poll_less_often() -> None:
    """Let Ansible ask its workers for results less often, unless the user's ansible.cfg says how often."""
    from ansible import constants

    _value, origin = constants.config.get_config_value_and_origin(_POLL_SETTING)
    if origin == "default":
        setattr(constants, _POLL_SETTING, POLL_INTERVAL_S)


def add_vendored_collections() -> None:
    """Let Ansible find the collections that the wheel contains, after those of the user and of the package ansible.

    Python reads path files in its own folders only, not in those of PYTHONPATH and ``pip install --target``.
    """
    if VENDORED not in sys.path:
        sys.path.append(VENDORED)


def use_utf8_locale() -> None:
    """Start this program again with a UTF-8 locale if Ansible would refuse that of the environment, such as C.

    The encoding of file names is fixed when Python starts.
    """
    try:
        locale.setlocale(locale.LC_ALL, "")
        encoding = locale.getlocale()[1] or ""
    except (locale.Error, ValueError):
        # The environment names a locale that this machine does not have, as SSH passes it on.
        encoding = ""
    if all(name.lower() in ("utf-8", "utf8") for name in (encoding, sys.getfilesystemencoding())):
        return
    for candidate in UTF8_LOCALES:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, candidate)
            if os.environ.get("LC_ALL") != candidate:
                environment = {**os.environ, "LC_ALL": candidate}
                os.execve(sys.executable, [sys.executable, "-P", os.path.abspath(__file__), *sys.argv[1:]], environment)


def raise_open_files_limit() -> None:
    """Let this process and its workers open enough files, as far as the host allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    use_utf8_locale()
    raise_open_files_limit()
    parent = int(sys.argv[1])
    # ansible-runner starts its child with SIGHUP ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    end_with_parent(parent, signal.SIGKILL)
    end_workers_with_this_process()
    os.environ[PARENT_VARIABLE] = f"{os.getpid()}:{parent}"
    # Ansible looks for its other programs beside this one.
    sys.argv[:] = sys.argv[2:]

    add_vendored_collections()
    # Import late: the import takes long, and the parent may end in that time.
    from ansible.cli.playbook import main as run_ansible_playbook

    poll_less_often()
    sys.exit(run_ansible_playbook())


if __name__ == "__main__":
    main()
