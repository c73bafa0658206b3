# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of throw-away stacks: the base images, and the reference stack's own, built once for all copies."""

from __future__ import annotations

import functools
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.harness.checkout import COLLECTION, EXAMPLE
from tests.harness.engine import docker, run_command

# Images are built once under this project name and tagged for every copy.
IMAGES_PROJECT = "localdev-test-images"
BUILT_SERVICES = ("backend", "celery-worker", "celery-beat", "frontend", "n8n")
APPLICATION = COLLECTION / "tests/integration/targets/setup_stack/files/app"
APPLICATION_IMAGE = "ldr-int-app:latest"
CERTIFICATE_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")
# Variant of the reference stack -> number of the user who owns the files of the cluster.
VARIANT_OWNERS = {"pg15": "999", "pg15-uid70": "70", "pg17": "999", "pg18": "999"}


def provide_base_images(variant: str = "pg15") -> dict[str, str]:
    """Return variable of an env file, such as POSTGRES_IMAGE, -> image. Build missing images."""
    answer = run_command(sys.executable, str(EXAMPLE / "prepare"), "--variant", variant, "--images-only")
    return dict(line.split("=", 1) for line in answer.stdout.splitlines() if "_IMAGE=" in line)


@functools.cache
def build_stack_images() -> dict[str, str]:
    """Build the reference stack's own images once and return service -> image id."""
    with tempfile.TemporaryDirectory(prefix="localdev-images-") as folder:
        copy = copy_reference_stack(Path(folder))
        run_command(str(copy / "prepare"), cwd=copy)
        docker(
            "compose", "--project-name", IMAGES_PROJECT, "--project-directory", str(copy), "build", "--quiet",
        )  # fmt: skip
    return {
        name: docker("image", "inspect", "--format", "{{.Id}}", f"{IMAGES_PROJECT}-{name}") for name in BUILT_SERVICES
    }


@functools.cache
def build_application_image() -> str:
    """Build the image of a small application with Alembic, Flask-Migrate and drivers, and return its name.

    The image stays: a second build only reads the cache.
    """
    return build_image(APPLICATION, APPLICATION_IMAGE)


def build_image(context: Path, image: str) -> str:
    """Build an image that is based on PYTHON_IMAGE from a folder, and return its name."""
    bundles = [path for path in map(Path, CERTIFICATE_BUNDLES) if path.exists()]
    document = {
        "name": "ldr-int-images",
        "services": {
            "app": {
                "image": image,
                "build": {
                    "context": str(context),
                    "args": {"PYTHON_IMAGE": provide_base_images()["PYTHON_IMAGE"]},
                    "secrets": ["ca_bundle"],
                },
            }
        },
        "secrets": {"ca_bundle": {"file": str(bundles[0]) if bundles else "/dev/null"}},
    }
    with tempfile.TemporaryDirectory(prefix="localdev-images-") as folder:
        compose = Path(folder) / "docker-compose.yml"
        compose.write_text(json.dumps(document))
        docker("compose", "--file", str(compose), "build", "--quiet")
    return image


def remove_stack_images(name: str) -> None:
    """Remove the image tags of a copy. The images themselves stay, for other copies."""
    tags = docker("image", "ls", "--filter", f"reference={name}-*", "--format", "{{.Repository}}:{{.Tag}}").split()
    if tags:
        docker("image", "rm", "--no-prune", *tags, check=False)


def copy_reference_stack(parent: Path) -> Path:
    """Copy the reference stack into a folder, without data, secrets and run records."""
    leave = shutil.ignore_patterns(".env", ".localdev", "data", "backups", "__pycache__", ".pytest_cache", ".git")
    return Path(shutil.copytree(EXAMPLE, parent / "stack", ignore=leave, symlinks=True))
