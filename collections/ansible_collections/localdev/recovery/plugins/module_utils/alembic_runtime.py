# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that reaches Alembic: in the application's container, or in a one-off container of its image."""

from __future__ import annotations

import inspect
import json
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils import alembic_bridge
from ansible_collections.localdev.recovery.plugins.module_utils.asides import RUN_LABEL
from ansible_collections.localdev.recovery.plugins.module_utils.docker_cli import Completed, Docker
from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError

# The alembic command's first line names the Python that has the application's packages.
_LAUNCH = (
    'python=$(sed -n "1s/^#! *//p" "$(command -v alembic 2>/dev/null)" 2>/dev/null); '
    'case "$python" in *python*) ;; *) python=$(command -v python3 || command -v python);; esac; exec $python -'
)


def program(request: t.Mapping[str, t.Any]) -> str:
    """The bridge with its request, as one Python program."""
    return f"{inspect.getsource(alembic_bridge)}\n\nmain(json.loads({json.dumps(json.dumps(request))}))\n"


def parse_answer(done: Completed, service: str) -> dict[str, t.Any]:
    """The bridge's answer among whatever else was printed. Pure."""
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(alembic_bridge.MARK):
            return t.cast("dict[str, t.Any]", json.loads(line.removeprefix(alembic_bridge.MARK)))
    raise RecoveryError(
        f"Alembic could not be asked in service {service} (exit code {done.returncode})",
        details=done.output[-2000:],
        next_command=f"docker compose run --rm {service} alembic current",
    )


def ask(
    docker: Docker,
    stack: t.Mapping[str, t.Any],
    request: t.Mapping[str, t.Any],
    *,
    fresh: bool = False,
    run_id: str = "",
) -> dict[str, t.Any]:
    """Run a request where Alembic lives. fresh: always in a one-off container, never in the running service.

    That container outlives a controller that is killed, so it carries its run's label: who puts old data back ends it
    first, or it would migrate that.
    """
    where = stack["alembic"]
    if where is None:
        raise RecoveryError(
            "No service of this stack was found to have Alembic (no alembic.ini in a build context or source mount)",
            next_command="set stack_application_service to the service that runs the migrations",
        )
    service = where["service"]
    # What stack says of containers may be older than the last start.
    running = [] if fresh else docker.compose("ps", "--quiet", "--status", "running", service).stdout.split()
    text = program({"config": None, **request})
    if running:
        done = docker.run("exec", "--interactive", running[0], "sh", "-c", _LAUNCH, stdin=text, check=False)
    else:
        done = docker.compose(
            "run", "--rm", "--no-deps", "-T", *(["--label", f"{RUN_LABEL}={run_id}"] if run_id else []),
            "--entrypoint", "sh", service, "-c", _LAUNCH, stdin=text, check=False,
        )  # fmt: skip
    answer = parse_answer(done, service)
    if "error" in answer:
        raise RecoveryError(
            f"Alembic in service {service}: {answer['error']}",
            details="\n".join(answer.get("trace", "").strip().splitlines()[-6:]),
            next_command=f"docker compose run --rm {service} alembic history --indicate-current",
        )
    return answer
