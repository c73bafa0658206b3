#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module that does one thing that a module may do, and returns what it sees of its process."""

from __future__ import annotations

DOCUMENTATION = """
module: probe
short_description: Do what a module may do
description: Does one thing that a module may do, and returns what it sees of its process.
options:
  do:
    description: Name of a function of this file.
    type: str
    default: nothing
  text:
    description: Text to return.
    type: str
    default: ""
  secret:
    description: Text that no result may show.
    type: str
  file:
    description: File to write to.
    type: path
  number:
    description: Number to return.
    type: int
    default: 1
  item:
    description: Required with O(do=need).
    type: str
"""

import atexit  # noqa: E402
import locale  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

from ansible.module_utils import basic  # noqa: E402
from ansible.module_utils.common import warnings  # noqa: E402

# The shells between Ansible and a module that runs the usual way set these.
SHELL_VARIABLES = ("_", "SHLVL", "OLDPWD")
POLLUTION = "LOCALDEV_TEST_POLLUTION"


def describe_signals():
    """Return what each signal does, and which are blocked."""
    handlers = {number.name: signal.getsignal(number) for number in signal.Signals}
    return {
        "handlers": {
            name: getattr(value, "name", getattr(value, "__name__", value)) for name, value in handlers.items()
        },
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "alarm": signal.getitimer(signal.ITIMER_REAL)[0],
    }


def describe_process():
    """Return what a module can see of its process."""
    umask = os.umask(0)
    os.umask(umask)
    shown = subprocess.run("cat; pwd -P; umask", shell=True, check=True, stdout=subprocess.PIPE)
    return {
        "environment": {name: value for name, value in os.environ.items() if name not in SHELL_VARIABLES},
        "folder": os.getcwd(),
        "umask": umask,
        "signals": describe_signals(),
        "stdin": sys.stdin.read(),
        "descriptors": [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "encodings": [[stream.encoding, stream.errors, stream.line_buffering] for stream in (sys.stdout, sys.stderr)],
        "terminal": os.isatty(0),
        "subprocess": shown.stdout.decode(),
        "arguments": len(sys.argv),
        "locale": locale.setlocale(locale.LC_ALL),
        "temporary folder": tempfile.gettempdir(),
        "time zone": time.strftime("%Z%z", time.localtime(0)),
        "nice": os.nice(0),
        "limit of files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "threads": threading.active_count(),
        "log handlers": len(logging.getLogger().handlers),
        "messages": [len(warnings.get_warnings()), len(warnings.get_deprecations())],
        "main": [sys.modules["__main__"].__name__, os.path.basename(sys.modules["__main__"].__file__)],
        "effective user": os.geteuid(),
    }


def nothing(module):
    return {}


def change(module):
    if not module.check_mode:
        append(module, "changed")
    difference = {"diff": {"before": "old\n", "after": module.params["text"] + "\n"}} if module._diff else {}
    return {"changed": True, "check_mode": module.check_mode, **difference}


def warn(module):
    module.warn("first warning: " + module.params["text"])
    warnings.warn("second warning")
    return {"warnings": ["third warning"]}


def deprecate(module):
    module.deprecate("old option", version="99.0.0", collection_name="localdev_test.direct")
    warnings.deprecate("old value", date="2099-01-01", collection_name="localdev_test.direct", help_text="Use another.")
    return {"deprecations": [{"msg": "old result", "version": "98.0.0", "collection_name": "localdev_test.direct"}]}


def crash(module):
    raise ValueError("crash: " + module.params["text"])


def fail(module):
    try:
        crash(module)
    except ValueError as exc:
        module.fail_json("failed", exception=exc, rc=7, details=["a", {"b": None}])


def need(module):
    return {"item": module.params["item"]}


def process(module):
    return {"process": describe_process()}


def pollute(module):
    """Return what this module sees, and change all that a process can change."""
    found = describe_process()
    os.environ[POLLUTION] = "left behind"
    os.umask(0o077)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    logging.basicConfig()
    tempfile.tempdir = "/"
    basic._ANSIBLE_ARGS = None
    module.warn("only of item " + module.params["text"])
    return {"process": found}


def write_streams(module):
    command = "echo out é; echo error é >&2"
    rc, out, err = module.run_command(command, use_unsafe_shell=True)
    subprocess.run(command, shell=True, check=True)
    sys.stderr.write("stderr of the module\n")
    return {"rc": rc, "stdout": out, "stderr": err}


def junk(module):
    print("junk before {not json} \udcff")
    atexit.register(print, "junk after")
    return {}


def garbage(module):
    sys.stderr.write("only junk on stderr\n")
    print("only junk")
    sys.exit(module.params["number"])


def leave(module):
    """Exit without a result, with a text as exit code."""
    sys.exit(module.params["text"])


def kill(module):
    print("before the end", flush=True)
    sys.stderr.write("error before the end\n")
    os.kill(os.getpid(), module.params["number"])
    time.sleep(60)


def sleep(module):
    """Write which process sleeps, and write once more if nothing stops it."""
    append(module, str(os.getpid()))
    time.sleep(module.params["number"])
    append(module, "not stopped")
    return {}


def outlive(module):
    """Leave a thread and a function that work after the result is written, and write to the file in this order."""

    def work():
        threading.main_thread().join()
        time.sleep(0.2)
        append(module, "thread")

    threading.Thread(target=work).start()
    atexit.register(append, module, "exit function")
    return {}


def repeat(module):
    return {"repeated": module.params["text"] * module.params["number"]}


def strange_text(module):
    return {"text": "é 漢字 \U0001f600 \x00\x1b", "given": module.params["text"]}


def invalid_text(module):
    return {"text": "a\udc80b"}


def facts(module):
    return {"ansible_facts": {"probe_fact": module.params["text"]}, "stdout": "a\nb", "results": "not a list"}


def append(module, line):
    if module.params["file"]:
        with open(module.params["file"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


def main():
    module = basic.AnsibleModule(
        argument_spec={
            "do": {"type": "str", "default": "nothing"},
            "text": {"type": "str", "default": ""},
            "secret": {"type": "str", "no_log": True},
            "file": {"type": "path"},
            "number": {"type": "int", "default": 1},
            "item": {"type": "str"},
        },
        required_if=[("do", "need", ("item",))],
        supports_check_mode=True,
    )
    result = globals()[module.params["do"]](module)
    # The way of a module shows in where its code is.
    volatile = {"code": basic.__file__, "parent": os.getppid(), "tmpdir": module.tmpdir}
    module.exit_json(**{"changed": False, "text": module.params["text"], "volatile": volatile, **result})


if __name__ == "__main__":
    main()
