# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read and write the run records of one stack, in the state folder of the stack on its own host.

A record is replaced atomically. Records that an earlier version left in the project folder are read too, until a run
takes them over. Nothing here talks to Docker or Ansible.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    is_path_within,
    write_file_atomically,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RUN_ID_PATTERN,
    RunRecord,
    list_held_entries,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import OLD_FOLDER, UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_file import (
    RecordProblem,
    build_record,
    describe_unreadable,
    read_record_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_paths import (
    make_path_relative,
    make_paths_relative,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_access import (
    PRIVATE_MODE,
    SHARED_MODE,
    build_no_access_error,
    choose_file_mode,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    StateDescription,
)

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._run.old_place import OldPlace

RUNS_FOLDER = "runs"


class RunStore:
    """The run records and kept files of one stack.

    folder: the state folder of the stack. project_dir: the project folder as it is now. shared: whether the members of
    the folder's group share it; else it is private.
    """

    def __init__(self, folder: str, project_dir: str = "", *, shared: bool = False) -> None:
        self.folder = folder
        self.project = os.path.basename(folder)
        self.records = os.path.join(folder, RUNS_FOLDER)
        self.project_dir = project_dir
        self.file_mode = choose_file_mode(shared=shared)
        self.folder_mode = SHARED_MODE if shared else PRIVATE_MODE

    @classmethod
    def from_stack(cls, stack: StackDescription) -> RunStore:
        """Return the store of a stack description."""
        return cls.from_state(stack["state"], stack["project"]["dir"])

    @classmethod
    def from_state(cls, state: StateDescription, project_dir: str) -> RunStore:
        """Return the store of a state place, for the project in a folder."""
        return cls(state["folder"], project_dir, shared=state["group"] is not None)

    @property
    def old(self) -> OldPlace | None:
        """Return the folder that an earlier version left in the project folder; None if there is none."""
        if not self.project_dir or not os.path.isdir(os.path.join(self.project_dir, OLD_FOLDER)):
            return None
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._run.old_place import OldPlace

        return OldPlace(self.project_dir, self.project)

    def path(self, run_id: str) -> str:
        """Return the path of a run's record. Raise RecoveryError for anything but a run id."""
        if not RUN_ID_PATTERN.fullmatch(run_id):
            raise RecoveryError(
                FailureId.RUN_UNKNOWN, f"{run_id!r} is not a run id", next_command=playbook_command("run_list")
            )
        return os.path.join(self.records, f"{run_id}.json")

    # --- folders and files ---

    def make_folder(self, *names: str) -> str:
        """Create a folder of the state folder, and those above it, for the same users; return its path."""
        path = self.folder
        try:
            os.makedirs(path, exist_ok=True)
            for name in os.path.join(*names, "").split("/") if names else ():
                path = os.path.join(path, name) if name else path
                if not os.path.isdir(path):
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(path)
                        # The umask must not take the group its right.
                        os.chmod(path, self.folder_mode)
        except OSError as exc:
            raise self._build_write_error(path, exc) from exc
        return path

    def make_parent(self, path: str) -> None:
        """Create the folder of a file in the state folder."""
        self.make_folder(os.path.relpath(os.path.dirname(path), self.folder))

    def write(self, path: str, text: str) -> None:
        """Write a file in the state folder so that it has the old or the new content."""
        try:
            write_file_atomically(path, text, self.file_mode)
        except OSError as exc:
            raise self._build_write_error(path, exc) from exc

    def _build_write_error(self, path: str, exc: OSError) -> RecoveryError:
        if isinstance(exc, FileNotFoundError) and not os.path.isdir(self.folder):
            return RecoveryError(FailureId.STATE_MISSING, f"The state folder {self.folder} does not exist any more")
        return RecoveryError(FailureId.STATE_NOT_WRITTEN, f"Cannot write {path}: {exc.strerror}")

    def locate(self, name: str) -> str:
        """Return the path of a kept file. name: relative to the state folder. It may still be in the old place."""
        path = os.path.join(self.folder, name)
        old = os.path.join(self.project_dir, OLD_FOLDER, name)
        return old if self.old and not os.path.lexists(path) and os.path.lexists(old) else path

    def measure_free_space(self) -> int:
        """Return the free bytes where kept files are. The state folder may not exist yet."""
        place = self.folder
        while not os.path.isdir(place):
            place = os.path.dirname(place)
        return shutil.disk_usage(place).free

    def relative(self, path: str) -> str:
        """Return a path as a record has it: relative to the project folder if it is in there."""
        return make_path_relative(path, self._spellings(self.project_dir))

    # --- records ---

    def save(self, record: RunRecord) -> None:
        """Write a record to the disk, in place of its earlier content."""
        path = self.path(record["run_id"])
        data = make_paths_relative(record, self._spellings(self.find_folder_of(record)))
        self.make_folder(RUNS_FOLDER)
        self.write(path, json.dumps(data, indent=2, sort_keys=False) + "\n")

    def locate_record(self, run_id: str) -> str:
        """Return the path of a run's record, for people. It may still be in the old place."""
        return self.locate(os.path.join(RUNS_FOLDER, f"{run_id}.json"))

    def has(self, run_id: str) -> bool:
        """Return whether there is a record of the run, readable or not."""
        if os.path.lexists(self.path(run_id)):
            return True
        records, unreadable = self.read_all()
        return run_id in {*(record["run_id"] for record in records), *(bad.run_id for bad in unreadable)}

    def load(self, run_id: str) -> RunRecord:
        """Read a record. Raise RecoveryError if there is none, it is corrupt, or its format is unknown."""
        path = self.path(run_id)
        try:
            return self._read(path, run_id)
        except FileNotFoundError as exc:
            return self._load_old(run_id, exc)
        except (OSError, RecordProblem) as exc:
            raise self._build_read_error(path, str(exc)) from exc

    def _load_old(self, run_id: str, cause: OSError) -> RunRecord:
        """Read a record that an earlier version left in the project folder."""
        records, unusable = self.old.read_all() if self.old else ([], [])
        for record in records:
            if record["run_id"] == run_id:
                return record
        for bad in unusable:
            if bad.run_id == run_id:
                raise self._build_read_error(bad.path, bad.problem) from cause
        raise RecoveryError(
            FailureId.RUN_UNKNOWN,
            f"The stack {self.project} has no run {run_id}",
            next_command=playbook_command("run_list"),
        ) from cause

    @staticmethod
    def _build_read_error(path: str, problem: str) -> RecoveryError:
        return RecoveryError(
            FailureId.RUN_UNREADABLE,
            f"Cannot read the run record {path}: {problem}",
            next_command=playbook_command("run_list"),
        )

    def load_all(self) -> list[RunRecord]:
        """Read every record that can be read, oldest first."""
        return self.read_all()[0]

    def read_all(self) -> tuple[list[RunRecord], list[UnreadableRecord]]:
        """Return the records that can be read, oldest first, and those that cannot."""
        records: list[RunRecord] = []
        unreadable: list[UnreadableRecord] = []
        for run_id in self._list_run_ids():
            path = self.path(run_id)
            try:
                records.append(self._read(path, run_id))
            except (OSError, RecordProblem) as exc:
                unreadable.append(describe_unreadable(run_id, path, str(exc)))
        if self.old:
            known = {*(record["run_id"] for record in records), *(bad.run_id for bad in unreadable)}
            old_records, old_unreadable = self.old.read_all()
            records += [record for record in old_records if record["run_id"] not in known]
            unreadable += [bad for bad in old_unreadable if bad.run_id not in known]
        return sorted(records, key=lambda r: r["run_id"]), sorted(unreadable, key=lambda bad: bad.run_id)

    def _list_run_ids(self) -> list[str]:
        try:
            names = sorted(os.listdir(self.records))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise build_no_access_error(self.folder) from exc
        return [name[: -len(".json")] for name in names if RUN_ID_PATTERN.fullmatch(name[: -len(".json")])]

    def _read(self, path: str, run_id: str) -> RunRecord:
        data = read_record_file(path, run_id)
        return build_record(data, self.find_folder_of(data))

    # --- the project folder of a record ---

    def find_folder_of(self, record: t.Mapping[str, t.Any]) -> str:
        """Return the folder that contains the paths of a record: its own if that still exists, else the present one."""
        recorded = record.get("project_dir") or ""
        if not recorded or recorded == os.path.realpath(self.project_dir) or not _has_files(recorded):
            return self.project_dir
        return str(recorded)

    def check_project_folder(self, record: RunRecord) -> None:
        """Raise RecoveryError if the run kept files of another project folder, which still exists."""
        folder = self.find_folder_of(record)
        if folder == self.project_dir:
            return
        kept = [e["name"] for e in list_held_entries(record) if e["kind"] in ("file", "folder")]
        kept = [path for path in kept if is_path_within(path, folder)]
        if kept:
            raise RecoveryError(
                FailureId.RUN_OTHER_FOLDER,
                f"Run {record['run_id']} kept {', '.join(kept)} of the project folder {folder}, which still exists; "
                f"nothing of it is put back into {self.project_dir}",
                hint=f"Undo the run in {folder}",
            )

    @staticmethod
    def _spellings(folder: str) -> list[str]:
        """Return the path of a folder as it is given, and its real path."""
        return [folder, os.path.realpath(folder)] if folder else []


def _has_files(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except PermissionError:
        # It exists, but its content is unknown.
        return True
    except OSError:
        return False
