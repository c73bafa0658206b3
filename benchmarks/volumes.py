# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copying, archiving and unpacking the volume of a PostgreSQL cluster, against the runbook's commands.

2 GB, one half random hexadecimal text and the other pgbench's rows. The times are those of the work on the files alone,
which is what the commands by hand do; LOCALDEV_BENCH_SCALE=0.1 makes less data, for trying this out.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager
from ansible_collections.localdev.recovery.plugins.module_utils._volume.archive import (
    create_archive,
    extract_archive,
    scan_tree,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import copy_tree
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import VolumeProgram
from benchmarks.backup_restore import LARGE, NAME, PGBENCH_SCALE, Database, Row, row, timed
from tests.harness.images import provide_base_images

RUNS = 3
SCALE = float(os.environ.get("LOCALDEV_BENCH_SCALE", "1"))
DATA, OTHER = f"{NAME}_data", f"{NAME}_other"
RESERVE = 64 * 2**20
# With a log driver the engine would write the whole stream into its log.
RUN = "docker run --rm --log-driver none"


class Volumes:
    """The volume with the cluster, whose server is stopped, a second volume and a folder for archives."""

    def __init__(self, folder: Path, image: str, python_image: str) -> None:
        self.folder = folder
        self.image = image
        self.python_image = python_image
        self.docker = Docker()

    def program(self) -> VolumeProgram:
        return VolumeProgram(self.docker, [self.python_image])

    def clear(self) -> None:
        """Remove the second volume and flush the disk, so that every measurement begins in the same state."""
        self.docker.run("volume", "rm", "--force", OTHER)
        os.sync()

    def by_hand(self, script: str, *mounts: str) -> float:
        words = [word for mount in mounts for word in ("--volume", mount)]
        command = ["run", "--rm", "--user", "0:0", *words, "--entrypoint", "sh", self.image, "-ec", script]
        return timed(lambda: self.docker.run(*command))

    def copy(self, data: str) -> Row:
        ours, hand, compared = [], [], []
        both = (f"{DATA}:/src:ro", f"{OTHER}:/dst")
        for _ in range(RUNS):
            self.clear()
            hand.append(self.by_hand("cp -a /src/. /dst/", *both))
            compared.append(hand[-1] + self.by_hand("diff -r /src /dst", *both))
            self.clear()
            ours.append(timed(self._copy))
        made = row("volume_copy", ours, hand, compared, 1.8, "", data)
        of_compared = round(made["ours_s"] / made["limit_s"], 2)
        made["goal"] = "with verification at most 1.8 of cp -a, and at most 0.6 of cp -a and diff -r (the limit)"
        made["reached"] = made["reached"] and of_compared <= 0.6
        made["data"] += f"; {of_compared} of cp -a and diff -r"
        return made

    def _copy(self) -> None:
        source, target = Location.parse(DATA), Location.parse(OTHER)
        copy_tree(self.program(), source, target, labels={}, reserve=RESERVE, check_mode=False)

    def pack(self, data: str) -> Row:
        """Pack the volume into archives. Keep the last archives, because the unpacking needs them."""
        ours, hand, limit = [], [], []
        mounts = (f"{DATA}:/data:ro", f"{self.folder}:/backup")
        plain = "tar czf /backup/hand.tar.gz -C /data ."
        bare = f"{RUN} -v {DATA}:/data:ro --entrypoint tar {self.image} c -C /data . | zstd -qfT0 -o {{}}"
        for _ in range(RUNS):
            self.clear()
            hand.append(self.by_hand(plain, *mounts))
            self.clear()
            command = bare.format(self.folder / "bare.tar.zst")
            limit.append(timed(lambda command=command: subprocess.run(command, shell=True, check=True)))  # type: ignore[misc]
            for name in ("ours.tar.zst", "ours.tar.zst.manifest"):
                (self.folder / name).unlink(missing_ok=True)
            self.clear()
            ours.append(timed(self._pack))
        made = row("volume_backup", ours, hand, limit, 0.12, "", data)
        sizes = [(self.folder / name).stat().st_size for name in ("ours.tar.zst", "hand.tar.gz")]
        made["goal"] = "with manifest at most 0.12 of tar czf, and no larger"
        made["reached"] = made["reached"] and sizes[0] <= sizes[1]
        made["data"] += f"; {round(sizes[0] / 1e6)} MB, tar czf {round(sizes[1] / 1e6)} MB"
        return made

    def _pack(self) -> None:
        create_archive(self.program(), Location.parse(DATA), str(self.folder / "ours.tar.zst"), check_mode=False)

    def unpack(self, data: str) -> Row:
        ours, hand, limit = [], [], []
        mounts = (f"{OTHER}:/data", f"{self.folder}:/backup:ro")
        plain = "rm -rf /data/* && tar xzf /backup/hand.tar.gz -C /data"
        bare = f"zstd -qdc {{}} | {RUN} -iv {OTHER}:/data --entrypoint tar {self.image} x -C /data"
        for _ in range(RUNS):
            self.clear()
            hand.append(self.by_hand(plain, *mounts))
            self.clear()
            command = bare.format(self.folder / "bare.tar.zst")
            limit.append(timed(lambda command=command: subprocess.run(command, shell=True, check=True)))  # type: ignore[misc]
            self.clear()
            ours.append(timed(self._unpack))
        return row(
            "volume_restore", ours, hand, limit, 0.5, "into a fresh volume, verified, at most 0.5 of tar xzf", data
        )

    def _unpack(self) -> None:
        extract_archive(
            self.program(),
            str(self.folder / "ours.tar.zst"),
            Location.parse(OTHER),
            labels={},
            wanted_version="",
            reserve=RESERVE,
            check_mode=False,
        )

    def set_aside(self) -> tuple[float, float]:
        """Return the seconds for setting the volume aside, and for putting it back."""
        store = RunStore(str(self.folder / "state"))
        record = build_run_record("bench", project=NAME, user="bench", controller_host="here", parameters={})
        RunLock(store).start(record, describe_process())
        os.sync()
        with ActiveRun(store, record["run_id"]) as run:
            keeper = SetAsideManager(self.docker, run, self.image, [self.python_image])
            kept = timed(lambda: keeper.keep([{"kind": "volume", "name": DATA}]))
            os.sync()
            back = timed(lambda: keeper.put_back(run.record))
            self.docker.run("volume", "rm", "--force", run.record["asides"][0]["aside"])
        return kept, back


def measure() -> list[Row]:
    """Return the rows volume_copy, volume_backup and volume_restore."""
    images = provide_base_images()
    with tempfile.TemporaryDirectory(prefix=NAME) as place:
        db = Database(Path(place), images["POSTGRES_IMAGE"])
        with db.running():
            scale = round(1.4 * SCALE * PGBENCH_SCALE)
            db.exec_in_database(f"sh -c 'createdb -U bench pgbench; pgbench -i -q -s {scale} -U bench pgbench'")
            db.fill_tables(round(1.4 * SCALE * LARGE))
            db.shell(f"docker compose --project-name {NAME} stop")
            volumes = Volumes(db.folder, images["POSTGRES_IMAGE"], images["PYTHON_IMAGE"])
            entries = scan_tree(volumes.program(), Location.parse(DATA), hashes=False)
            data = f"a cluster of {round(entries['bytes'] / 1e6)} MB, half of it random text"
            rows = [volumes.copy(data), volumes.pack(data), volumes.unpack(data)]
            kept, back = volumes.set_aside()
            print(f"setting the volume aside takes {kept:.1f} s, putting it back {back:.1f} s")
            volumes.docker.run("volume", "rm", "--force", OTHER)
    return rows
