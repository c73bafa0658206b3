# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the records that an earlier version left in the project folder, and take them over into the state folder.

A repository can bring files along, so nothing there is believed before it is checked: no link, no foreign owner, not
writable for others, not tracked by git, a valid record of this project, and only names that follow from the run id.
A record that fails a check is named, and stays in its place.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import copy_file_atomically, is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name, get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RECORD_FORMAT,
    RUN_ID_PATTERN,
    RunRecord,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import OLD_FOLDER, UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_file import (
    RecordProblem,
    build_record,
    describe_unreadable,
    read_record_file,
)

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

PASSWORDS_FOLDER = "passwords"
# Files of a run at work, which are not needed any more.
_TRANSIENT = ("lock.json", "lock.guard", "progress.json", "breakpoint", "env.new")
_KEPT_FILE_KINDS = ("file", "row", "container", "container_file")


class OldPlace:
    """The folder ``.localdev`` of a project folder, as versions with records of format 1 made it."""

    def __init__(self, project_dir: str, project: str) -> None:
        self.project_dir = os.path.normpath(project_dir) if project_dir else ""
        self.project = project
        self.folder = os.path.join(project_dir, OLD_FOLDER)

    def read_all(self) -> tuple[list[RunRecord], list[UnreadableRecord]]:
        """Return the records that may be used, and those that may not be; oldest first."""
        records: list[RunRecord] = []
        unusable: list[UnreadableRecord] = []
        tracked = self._list_tracked_files()
        for run_id in self._list_run_ids():
            path = os.path.join(self.folder, "runs", f"{run_id}.json")
            try:
                self._check_file(path, tracked)
                data = read_record_file(path, run_id)
                self._check_content(data)
                records.append(self._build_record(data))
            except (OSError, RecordProblem) as exc:
                unusable.append(describe_unreadable(run_id, path, str(exc)))
        return records, unusable

    def _list_tracked_files(self) -> set[str] | None:
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._git.history import list_tracked_files

        return list_tracked_files(self.folder)

    def _list_run_ids(self) -> list[str]:
        try:
            names = sorted(os.listdir(os.path.join(self.folder, "runs")))
        except OSError:
            return []
        found = [name[: -len(".json")] for name in names if name.endswith(".json")]
        return [run_id for run_id in found if RUN_ID_PATTERN.fullmatch(run_id)]

    def _build_record(self, data: t.Mapping[str, t.Any]) -> RunRecord:
        record = build_record(data, self.project_dir)
        record["project"] = self.project
        record["project_dir"] = os.path.realpath(self.project_dir)
        for entry in record["asides"]:
            if entry["kind"] == "file" and data["format"] == 1:
                entry["aside"] = os.path.relpath(entry["aside"], OLD_FOLDER)
        return record

    def _check_file(self, path: str, tracked: set[str] | None) -> None:
        """Raise RecordProblem for a file that a stranger may have put there."""
        if tracked is None:
            raise RecordProblem("git cannot say whether the repository brought it along")
        if os.path.join(os.path.realpath(self.project_dir), os.path.relpath(path, self.project_dir)) in tracked:
            raise RecordProblem("git tracks it: a repository brought it along")
        place = path
        owners = {0, os.geteuid(), os.stat(self.project_dir).st_uid}
        while place != self.project_dir:
            status = os.lstat(place)
            if stat.S_ISLNK(status.st_mode):
                raise RecordProblem(f"{place} is a link")
            if status.st_uid not in owners:
                raise RecordProblem(f"{place} belongs to user {status.st_uid}")
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise RecordProblem(f"others may write {place}")
            place = os.path.dirname(place)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise RecordProblem("it is no regular file")

    def _check_content(self, data: t.Mapping[str, t.Any]) -> None:
        """Raise RecordProblem if the record is of another project, or names a temporary object that is no run's."""
        # The procedure env_file called the project after its folder.
        if data.get("project") not in (self.project, os.path.basename(self.project_dir).lower()):
            raise RecordProblem(f"it is of the project {data.get('project')}, and this is {self.project}")
        for entry in data.get("scratch", []):
            name, in_project = entry["name"], False
            if entry["kind"] in ("path", "folder"):
                name = os.path.normpath(name)
                in_project = is_path_within(name, os.path.normpath(self.project_dir))
            if not in_project and not re.search(RUN_ID_PATTERN, os.path.basename(name)):
                raise RecordProblem(f"it names {name} as a temporary object")

    def find_file(self, name: str) -> str:
        """Return the path of a file of the folder that may be believed; empty if there is none."""
        path = os.path.join(self.folder, name)
        if not os.path.lexists(path):
            return ""
        try:
            self._check_file(path, self._list_tracked_files())
        except (OSError, RecordProblem):
            return ""
        return path

    # --- taking over ---

    def take_over(self, store: RunStore) -> list[str]:
        """Move the records and kept files to the store. Return notes about those that are left, and why.

        May be repeated after a crash: a record is deleted here once it is complete there.
        """
        tracked = self._list_tracked_files()
        records, unusable = self.read_all()
        notes = [bad.describe() for bad in unusable]
        taken: list[str] = []
        for record in records:
            if not os.path.lexists(store.path(record["run_id"])):
                taken += self._copy_kept_files(record, store, tracked, notes)
                store.save({**record, "format": RECORD_FORMAT})
            else:
                taken += [name for name in map(get_kept_file, record["asides"]) if name]
            taken.append(os.path.join("runs", f"{record['run_id']}.json"))
        taken += self._copy_passwords(store, tracked, notes)
        # Records go before the files that they name.
        for name in sorted(taken, key=lambda name: not name.startswith("runs/")):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, name))
        self._remove_what_is_empty()
        return notes

    def _copy_kept_files(
        self, record: RunRecord, store: RunStore, tracked: set[str] | None, notes: list[str]
    ) -> list[str]:
        """Copy the kept files of a record, whose entries get their new names. Return the names in the old place."""
        copied: list[str] = []
        for entry in record["asides"]:
            if entry["kind"] not in _KEPT_FILE_KINDS:
                continue
            name = get_kept_file(entry)
            path = os.path.join(self.folder, name)
            if entry["kind"] == "file":
                entry["aside"] = derive_kept_name("file", store.relative(entry["name"]), record["run_id"])
            if not os.path.lexists(path):
                continue
            try:
                self._check_file(path, tracked)
                status = os.stat(path)
                self._copy(path, os.path.join(store.folder, get_kept_file(entry)), store)
            except (OSError, RecordProblem) as exc:
                notes.append(f"Cannot take over the kept file {path} of run {record['run_id']}: {exc}")
                continue
            if entry["kind"] == "file":
                # The old copy has the owner of the original.
                entry["uid"], entry["gid"] = status.st_uid, status.st_gid
            copied.append(name)
        return copied

    def _copy_passwords(self, store: RunStore, tracked: set[str] | None, notes: list[str]) -> list[str]:
        """Copy generated passwords where there is none of the name, and return their names."""
        copied: list[str] = []
        folder = os.path.join(self.folder, PASSWORDS_FOLDER)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            path, target = os.path.join(folder, name), os.path.join(store.folder, PASSWORDS_FOLDER, name)
            try:
                self._check_file(path, tracked)
                if not os.path.lexists(target):
                    self._copy(path, target, store)
            except (OSError, RecordProblem) as exc:
                notes.append(f"Cannot take over the password {path}: {exc}")
                continue
            copied.append(os.path.join(PASSWORDS_FOLDER, name))
        return copied

    @staticmethod
    def _copy(source: str, target: str, store: RunStore) -> None:
        store.make_parent(target)
        copy_file_atomically(source, target, f"{target}.tmp", store.file_mode, owner=False)

    def _remove_what_is_empty(self) -> None:
        """Remove the folder, unless something is left in it that git must go on ignoring."""
        for name in _TRANSIENT:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, name))
        for place, _folders, _files in os.walk(self.folder, topdown=False):
            if place != self.folder:
                with contextlib.suppress(OSError):
                    os.rmdir(place)
        if os.listdir(self.folder) == [".gitignore"]:
            os.unlink(os.path.join(self.folder, ".gitignore"))
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)
