# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Turn RecoveryError, and a limit of the host, into a failed task in one place."""

from __future__ import annotations

import contextlib
import sys
import types
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker

# ansible-core also runs modules on older versions, which lack features that these modules use.
OLDEST_PYTHON = (3, 9)


@contextlib.contextmanager
def fail_on_recovery_error(fail_json: t.Callable[..., t.NoReturn]) -> t.Iterator[None]:
    """Fail the task as RecoveryError says, if the block raises it. Refuse a Python that is too old for the block.

    fail_json: of the AnsibleModule.
    """
    try:
        check_python_version()
        yield
    except RecoveryError as exc:
        # The caller hands over the method, because the module has all its arguments.
        fail_module(t.cast(types.MethodType, fail_json).__self__, exc)
    except OSError as exc:
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import describe_limit

        limit = describe_limit(exc)
        if limit is None:
            raise
        fail_module(t.cast(types.MethodType, fail_json).__self__, limit)


def fail_module(module: AnsibleModule, error: RecoveryError) -> None:
    """Fail the task with an error.

    Ansible replaces the values of no_log options in every text of the result. The id and the next command stay as they
    are, also where a password is a part of them, such as ``docker`` of ``docker.not_running``. They hold no secrets.
    """
    result = error.as_result()
    masked = remove_values({**result, "invocation": {"module_args": module.params}}, module.no_log_values)
    masked.update({key: result[key] for key in ("failure", "next", "holder") if key in result})
    module.no_log_values = set()
    module.fail_json(**masked)


def check_python_version() -> None:
    """Raise RecoveryError if this Python is older than what the modules are written for."""
    if sys.version_info < OLDEST_PYTHON:
        found, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST_PYTHON))
        raise RecoveryError(
            FailureId.HOST_PYTHON_TOO_OLD,
            f"{sys.executable} is Python {found}; the stack's host needs {oldest} or newer",
            hint=f"Install it there and name it in the inventory: ansible_python_interpreter: /usr/bin/python{oldest}",
        )


def hide_only_secrets(module: AnsibleModule, masker: Masker) -> None:
    """Mask only secrets of the no_log options in the result: otherwise DEBUG=1 would mask every 1 of a revision."""
    module.no_log_values = {value for value in module.no_log_values if masker.mask_text(str(value)) != str(value)}
