# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data of a copy of the reference stack: planting, comparing, saving, bringing back."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

from tests.harness.engine import docker, run_command
from tests.harness.planted_data import FINGERPRINT_SQL, PLANT_IN_APPLICATION_SQL, PLANT_SQL
from tests.harness.stack_services import StackServices


class StackData(StackServices):
    """A copy of the reference stack whose data can be planted, compared and brought back."""

    # Fingerprint of the saved data.
    old_data: dict[str, str]

    def run_in_container(self, *command: str, **places: str) -> str:
        """Run a command as root in a container of the database's image that sees these places below /."""
        volumes = [part for name, place in places.items() for part in ("--volume", f"{place}:/{name}")]
        options = ["--rm", "--network", "none", "--user", "0:0", *volumes, "--entrypoint", command[0]]
        return docker("run", *options, self.read_env()["POSTGRES_IMAGE"], *command[1:])

    def psql(self, sql: str, *, container: str = "", database: str = "") -> str:
        """Run SQL on the database's server and return the rows, fields separated by ``|``."""
        env = self.read_env()
        return docker(
            "exec", "--interactive", container or f"{self.name}-db", "psql", "-XqtA", "--set", "ON_ERROR_STOP=1",
            "--username", env["DB_USER"], "--dbname", database or env["DB_NAME"], input=sql,
        )  # fmt: skip

    def plant_data(self) -> None:
        """Add data that no rebuild makes, also in a table of the application when it has migrated."""
        self.psql(PLANT_SQL)
        if "backend" in self.started_services:
            self.psql(PLANT_IN_APPLICATION_SQL)

    def fingerprint(self, container: str = "") -> dict[str, str]:
        """Return table -> number of rows and digest over them, and the databases of the cluster."""
        return dict(line.split("|", 1) for line in self.psql(FINGERPRINT_SQL, container=container).splitlines())

    def count_rows(self, *tables: str) -> tuple[int, ...]:
        found = self.fingerprint()
        return tuple(int(found[f"public.{table}"].split("|")[0]) for table in tables)

    def fingerprint_of_copy(self, place: str) -> dict[str, str]:
        """Return the fingerprint of a cluster in a volume or folder, read from a copy: a server would change it."""
        probe = f"{self.name}-probe"
        try:
            self.run_in_container("cp", "-a", "/old/.", "/new/", old=place, new=probe)
            volume = f"{probe}:/var/lib/postgresql/data"
            image = self.read_env()["POSTGRES_IMAGE"]
            docker("run", "--detach", "--name", probe, "--network", "none", "--volume", volume, image)
            self.wait_for_database(probe)
            return self.fingerprint(probe)
        finally:
            docker("rm", "--force", "--volumes", probe, check=False)
            docker("volume", "rm", "--force", probe, check=False)

    def cluster_owner(self, place: str) -> str:
        """Return the number of the user who owns the files of a cluster."""
        return self.run_in_container("stat", "--format", "%u", "/data/PG_VERSION", data=place)

    def save_data(self) -> None:
        """Save the data as it is now. ``reset`` brings it back; ``old_data`` is its fingerprint."""
        self.old_data = self.fingerprint()
        self.stop()
        self._copy_cluster(self.cluster_place, f"{self.name}-saved")
        self.start()

    def _copy_cluster(self, source: str, target: str) -> None:
        script = "find /new -mindepth 1 -delete; cp -a /old/. /new/"
        self.run_in_container("sh", "-c", script, old=source, new=target)

    @contextlib.contextmanager
    def small_disk(self, megabytes: int) -> t.Iterator[None]:
        """Mount a file system of this size at data/. Needs root and loop devices, as the machines of CI have."""
        image, data = self.parent / "disk.img", self.dir / "data"
        with image.open("wb") as handle:
            handle.truncate(megabytes * 1024 * 1024)
        run_command("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image))
        data.mkdir(exist_ok=True)
        run_command("mount", "-o", "loop", str(image), str(data))
        try:
            yield
        finally:
            docker("rm", "--force", "--volumes", *self.containers(), check=False)
            run_command("umount", str(data))

    def fill_disk(self, leave_mb: int) -> None:
        """Fill the disk of data/ until this much is left."""
        free = shutil.disk_usage(self.dir / "data").free - leave_mb * 1024 * 1024
        (self.dir / "data" / "ballast").write_bytes(bytes(max(0, free)))
