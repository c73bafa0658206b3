# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run scripts in short-lived containers: for files that only the Docker Engine can reach, and for server programs."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.interactive import InteractiveCommand
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import RUN_LABEL
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import build_mount_arguments


class HelperContainer(InteractiveCommand):
    """A shell in a short-lived container with the given volumes and folders, by default without network.

    Only the Docker Engine can reach a volume on every system, and data folders belong to users of the container. The
    image is one that the stack already uses, because there may be no registry.
    """

    def __init__(
        self,
        docker: Docker,
        image: str,
        mounts: t.Sequence[tuple[str, str, bool]],
        run_id: str,
        network: str = "none",
    ) -> None:
        """Take the mounts: source (a volume's name or a folder's path), target, whether it is writable."""
        if not image:
            project = docker.project or Project("")
            raise RecoveryError(
                FailureId.IMAGE_MISSING,
                "No image of the stack is on its host: a volume or folder is only reached from a container",
                hint=["If no image of the stack comes from a registry, build one: ", project.compose_command("build")],
                next_command=project.compose_command("pull"),
            )
        args = ["run", "--rm", "--interactive", "--pull", "never", "--network", network, "--user", "0:0"]
        args += ["--label", f"{RUN_LABEL}={run_id}", "--entrypoint", "sh"]
        for source, target, writable in mounts:
            args += build_mount_arguments(source, target, writable=writable)
        super().__init__(docker, [*args, image, "-s"])
        # Stands before each script, such as settings: a script runs in a shell of its own.
        self.preamble = ""

    def run(self, script: str) -> str:
        """Run a script in the shell and return its output. Raise DockerError if it fails."""
        lines, code = self.request(f'( set -e; {self.preamble}{script}\n) </dev/null 2>&1; echo "@done $?"', "@done ")
        output = "\n".join(lines).strip()
        if code is None:
            # Import lazily: each imported module is compiled again on the host for every task.
            from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import build_docker_error

            messages = self.read_last_messages()
            raise build_docker_error(self.args, self.process.wait(), "\n".join(filter(None, (output, messages))))
        if code != "0":
            raise DockerError(
                FailureId.DOCKER_COMMAND_FAILED,
                f"A step in the helper container failed: {output[-2000:]}",
                returncode=int(code),
                stderr=output,
            )
        return output


def remove_helper_containers(docker: Docker, run_id: str) -> None:
    """Remove the helper containers of an interrupted run: one may still be copying or emptying a volume."""
    found = docker.run("ps", "--all", "--quiet", "--filter", f"label={RUN_LABEL}={run_id}").stdout.split()
    if found:
        # Ignore containers that exit before `docker rm` reaches them.
        docker.run("rm", "--force", "--volumes", *found, check=False)
