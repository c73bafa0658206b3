# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of containers and their images."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure, no_login_option

_SERVICES = Option(
    variable="container_recovery_services",
    kind="list",
    placeholder="SERVICE",
    completes="services",
)
_RECREATE = Option(
    flag="--recreate",
    variable="container_recovery_recreate",
    kind="switch",
)
_NO_LOGIN = no_login_option("container_recovery_verify_login")

NOUN = Noun(
    name="container",
    summary="Restart, rebuild, reset and patch containers.",
    procedures=(
        Procedure(
            verb="container restart",
            playbook="container_recovery",
            summary="Restart services in any state, and wait until they are ready.",
            explanation=(
                "Stops and starts containers in dependency order. A container that is missing, or whose image or "
                "configuration is out of date, is recreated; the others stay as they are, with what was injected into "
                "them. Services that depend on a recreated one are restarted after it."
            ),
            preset_variables={"container_recovery_action": "restart"},
            options=(_SERVICES, _RECREATE, _NO_LOGIN),
        ),
        Procedure(
            verb="container rebuild",
            playbook="container_recovery",
            summary="Build images again and use them; the old images are kept.",
            explanation=(
                "Builds the images of the services, and of every other service of the same source, beside those in "
                "use; a build that fails changes nothing. Then recreates the containers whose image differs.\n\n"
                "If a new container does not become ready, its log is shown and the old images and containers are "
                "restored. After a success, localdev undo restores them."
            ),
            preset_variables={"container_recovery_action": "rebuild"},
            options=(
                _SERVICES,
                Option(
                    flag="--no-cache",
                    variable="container_recovery_no_cache",
                    kind="switch",
                ),
                _RECREATE,
                _NO_LOGIN,
            ),
        ),
        Procedure(
            verb="container reset",
            playbook="container_recovery",
            summary="Build all without the cache, recreate every container; data volumes stay.",
            explanation=(
                "The last resort for containers. Excluded services stay as they are, and so do all data volumes.\n\n"
                "If a step fails, the old images and containers are restored. After a success, localdev undo restores "
                "them."
            ),
            preset_variables={"container_recovery_action": "reset"},
            options=(_NO_LOGIN,),
        ),
        Procedure(
            verb="container inject",
            playbook="code_injection",
            summary="Put changed files into the running containers; the originals are kept.",
            explanation=(
                "For when an image cannot be built. Finds out where each file belongs from the Dockerfile, compiles "
                "Python files first, replaces them in every container that has them, restarts the services and waits "
                "until they are ready. A container that is recreated loses them, and localdev status reports it.\n\n"
                "If a step fails, the originals are restored. After a success, localdev undo restores them."
            ),
            options=(
                Option(
                    variable="code_injection_files",
                    kind="list",
                    placeholder="PATH",
                    completes="file",
                ),
                Option(
                    flag="--git-range",
                    variable="code_injection_git_range",
                    placeholder="A..B",
                ),
            ),
        ),
    ),
)
