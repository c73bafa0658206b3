# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make and remove copies of the reference stack from the command line, as the Molecule scenarios do."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from tests.harness.images import remove_stack_images
from tests.harness.project import ComposeProject, list_project_objects, remove_objects
from tests.harness.stack_settings import StackSettings
from tests.harness.state_folders import remove_state


def make_stack(folder: Path, name: str, first_port: int, settings: list[str]) -> None:
    """Make a copy in a folder of the name ``stack``, without starting it. settings: NAME=VALUE of the env file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    stack = StackSettings(name=name, parent=folder.parent, first_port=first_port)
    stack.set_env(**dict(setting.split("=", 1) for setting in settings))


def remove_stack(folder: Path, name: str) -> None:
    """Remove the containers, volumes, networks, images, run records and files of a copy."""
    if folder.exists():
        ComposeProject(folder, name).remove()
    remove_objects(list_project_objects(name))
    remove_stack_images(name)
    remove_state(name)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make a copy, without starting it")
    remove = commands.add_parser("remove", help="remove a copy")
    for command in (make, remove):
        command.add_argument("folder", type=Path, help="folder of the copy, whose last part is stack")
        command.add_argument("name", help="project name, and prefix of the container names")
    make.add_argument("first_port", type=int, help="first of the four ports of the copy")
    make.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="value of the env file")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make_stack(arguments.folder, arguments.name, arguments.first_port, arguments.settings)
    else:
        remove_stack(arguments.folder, arguments.name)


if __name__ == "__main__":
    main()
