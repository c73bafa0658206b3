# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define every verb once: command line, Python interface and texts come from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COLLECTION = "localdev.recovery"


@dataclass(frozen=True)
class Option:
    """An option or argument of a verb, which sets a role variable.

    flag: ``--keep``, or empty for a positional argument. kind: ``text``, ``integer``, ``number``, ``list`` (an argument
    that may be given several times), or ``switch``, which sets the variable to switch_value, or ``prompt`` (on the
    terminal) and ``environment`` (a variable's name), which set the variable to the name of a private file that holds
    the secret. Without the option the inventory and the role's defaults decide. short: a one-letter form of the flag.
    completes: what a shell offers after Tab, as completion.py knows it.
    """

    flag: str
    variable: str
    help: str
    kind: str = "text"
    placeholder: str = ""
    switch_value: bool = True
    short: str = ""
    completes: str = ""

    @property
    def parameter(self) -> str:
        """Return the parameter's name for click: two options may set one variable."""
        return f"{self.kind}_{self.variable}" if self.secret else self.variable

    @property
    def secret(self) -> bool:
        return self.kind in ("prompt", "environment")


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """A playbook of the collection and the verb that runs it. explanation: paragraphs below the summary.

    verb: one word, or two, of which the first is one of GROUPS.

    preset_variables: variables that the verb sets by itself; several verbs of one playbook differ in them. data_source:
    a module, and the keys of its result that are the data for programs. asks_questions: the verb asks on a terminal for
    values that discovery cannot find.
    """

    verb: str
    playbook: str
    summary: str
    explanation: str
    options: tuple[Option, ...] = ()
    preset_variables: Mapping[str, str] = field(default_factory=dict)
    data_source: tuple[str, ...] = ()
    asks_questions: bool = False

    @property
    def playbook_fqcn(self) -> str:
        return f"{COLLECTION}.{self.playbook}"


def _no_login_option(variable: str) -> Option:
    return Option("--no-login", variable, "Do not prove that the administrator can log in.", "switch", "", False)


def _backup_argument(variable: str, completes: str = "") -> Option:
    return Option("", variable, "Which backup; without it the latest.", placeholder="BACKUP", completes=completes)


_SERVICES_ARGUMENT = Option(
    "", "container_recovery_services", "Which services; without it all.", "list", "SERVICE", completes="services"
)
_RECREATE_OPTION = Option(
    "--recreate", "container_recovery_recreate", "Make also those containers anew that are up to date.", "switch"
)


@dataclass(frozen=True, kw_only=True)
class Session:
    """A verb without a playbook: it finds the stack and hands the terminal over to docker compose.

    SESSION_ARGUMENTS in sessions.py has its function; the variables of its options are that function's arguments.
    """

    verb: str
    summary: str
    explanation: str
    options: tuple[Option, ...] = ()


PROCEDURES = (
    Procedure(
        verb="init",
        playbook="init",
        summary="Show what is discovered of a project, and write its inventory.",
        explanation=(
            "Writes localdev.yml into the project's folder, where localdev finds it from then on: only what Compose "
            "cannot know. On a terminal it asks; elsewhere -e answers. A file that exists is never overwritten.\n\n"
            "A project of the usual shape needs no inventory at all."
        ),
        options=(
            Option("--file", "init_file", "Write it there instead.", placeholder="FILE", completes="file"),
            Option(
                "--password-variable",
                "init_admin_password_variable",
                "Environment variable that holds the administrator's password.",
                placeholder="NAME",
            ),
            Option(
                "--database-service",
                "stack_database_service",
                "Service that runs the database.",
                placeholder="SERVICE",
                completes="services",
            ),
            Option(
                "--application-service",
                "stack_application_service",
                "Service that has Alembic.",
                placeholder="SERVICE",
                completes="services",
            ),
        ),
        asks_questions=True,
    ),
    Procedure(
        verb="rebuild",
        playbook="full_rebuild",
        summary="Rebuild the database from its migrations and seeds; the old data is kept.",
        explanation=(
            "For a fresh start, a corrupt schema, or errors that nobody can explain. Stops the services, sets the data "
            "of the database aside, starts an empty one, migrates, seeds and verifies.\n\n"
            "When a step fails, the state before is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option("--no-seed", "full_rebuild_seed", "Leave the database migrated but empty.", "switch", "", False),
        ),
    ),
    Procedure(
        verb="backup",
        playbook="backup",
        summary="Back up the database; the services go on working.",
        explanation=(
            "Writes a dump and its metadata (revision, exact row counts, checksums) of one snapshot, with the client "
            "programs of the running server's own image. Then deletes backups beyond the retention, never the newest "
            "that was proved restorable."
        ),
        options=(
            Option("--format", "backup_format", "directory (default), custom or plain.", placeholder="FORMAT"),
            Option("--prove", "backup_prove", "Restore it into a scratch database for a test.", "switch"),
            Option("--keep", "backup_keep", "Newest backups that stay, whatever their age.", "integer", "COUNT"),
            Option("--keep-days", "backup_keep_days", "Younger backups stay, whatever their number.", "number", "DAYS"),
        ),
    ),
    Procedure(
        verb="backups",
        playbook="backup_list",
        summary="List the backups.",
        explanation="Newest first: size, age, revision, and when each was last proved restorable. Changes nothing.",
        options=(Option("--checksums", "backup_list_checksums", "Read every backup whole and check it.", "switch"),),
        data_source=("backup_info", "backups"),
    ),
    Procedure(
        verb="backup-verify",
        playbook="backup_verify",
        summary="Prove that a backup can be restored.",
        explanation=(
            "Restores it into a scratch database, compares rows and revision with its metadata, and drops the scratch "
            "database. BACKUP is latest, a name, a path, or an age such as 3d."
        ),
        options=(_backup_argument("backup_verify_select", completes="backups"),),
    ),
    Procedure(
        verb="backup-fetch",
        playbook="backup_fetch",
        summary="Take a backup from a host to this machine.",
        explanation=(
            "Reads its checksums on the host and proves them again here. A backup that is here already is not moved; "
            "another one of the same name is never overwritten. BACKUP is latest, a name, a path, or an age such as 3d."
        ),
        options=(
            _backup_argument("backup_fetch_select"),
            Option("--to", "backup_fetch_folder", "Folder that gets it; ./backups.", placeholder="FOLDER"),
        ),
    ),
    Procedure(
        verb="backup-distribute",
        playbook="backup_distribute",
        summary="Give a backup of this machine to hosts.",
        explanation=(
            "Proves its checksums here and again on each host. Restores nothing. A host that has it already is left "
            "alone; another one of the same name is never overwritten."
        ),
        options=(
            _backup_argument("backup_distribute_select"),
            Option("--from", "backup_distribute_folder", "Folder in which it lies; ./backups.", placeholder="FOLDER"),
        ),
    ),
    Procedure(
        verb="restore",
        playbook="restore",
        summary="Restore the database from a backup; the old data is kept.",
        explanation=(
            "Restores into a scratch database, proves it, upgrades it if it is behind, and only then swaps it with the "
            "database, which is kept under another name. A backup that does not fit the migrations of this checkout "
            "is refused, with the branch that has its revision. BACKUP is latest, a name, a path, or an age such as 3d."
            "\n\n"
            "When a step fails, the state before stays or is brought back. After a success, localdev undo does that."
        ),
        options=(
            _backup_argument("restore_select", completes="backups"),
            Option("--trust-dump", "restore_trust_dump", "Go by the revision in the dump itself.", "switch"),
            Option("--no-restart", "restore_restart", "Only end the sessions of the services.", "switch", "", False),
            Option("--cache", "restore_cache", "keep (default) or set_aside.", placeholder="WHAT"),
            Option(
                "--no-login", "restore_verify_login", "The password in the backup is another one.", "switch", "", False
            ),
        ),
    ),
    Procedure(
        verb="schema",
        playbook="schema_recovery",
        summary="Bring the schema to the migrations; the old schema and rows are kept.",
        explanation=(
            "For errors about missing columns or tables, as after a restore or a change of branch. Says what is wrong "
            "and, where pending migrations mend it, applies them: stops the services that write, keeps a copy of the "
            "database, upgrades, starts and verifies. Where they do not, it says what does.\n\n"
            "When a step fails, the state before is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option(
                "--target",
                "schema_recovery_target",
                "Upgrade to this revision, not to the head.",
                placeholder="REV",
            ),
            Option(
                "--allow-rebuild",
                "schema_recovery_allow_rebuild",
                "Rebuild the database where an upgrade cannot help.",
                "switch",
            ),
        ),
    ),
    Procedure(
        verb="inject",
        playbook="code_injection",
        summary="Put changed files into the running containers; the originals are kept.",
        explanation=(
            "For when an image cannot be built. Finds out where each file belongs from the Dockerfile, compiles Python "
            "files first, replaces them in every container that has them, restarts the services and waits until they "
            "are ready. A container that is made anew loses them; localdev status tells.\n\n"
            "When a step fails, the originals go back. After a success, localdev undo does that."
        ),
        options=(
            Option(
                "",
                "code_injection_files",
                "Files or folders, relative to the project's folder.",
                "list",
                "PATH",
                completes="file",
            ),
            Option("--git-range", "code_injection_git_range", "All files changed in A..B.", placeholder="A..B"),
        ),
    ),
    Procedure(
        verb="constraints",
        playbook="constraint_registration",
        summary="Prove that everything is registered; inject what is missing.",
        explanation=(
            "Asks the application in its container, by stack_registration_check, which constraints (plugins, tasks, "
            "routes) it has registered, and compares them with what is expected and with what the source defines. "
            "Where some are missing, it injects their sources as localdev inject does, and asks again.\n\n"
            "When names are still missing, the originals go back. After a success, localdev undo does that."
        ),
    ),
    Procedure(
        verb="admin",
        playbook="admin_account",
        summary="Have an administrator who can log in; the old row is kept.",
        explanation=(
            "Says why the administrator cannot log in, and mends it: makes the account, gives it the role, makes it "
            "active, sets the password. Other users are never touched. What it cannot mend (the API, the database, the "
            "key that signs tokens) it names, and changes nothing.\n\n"
            "The password is the inventory's stack_admin_password, or comes from one of these options; it is never "
            "shown. "
            "When a step fails, the old row is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option(
                "--password-file",
                "admin_account_password_file",
                "Read it from a file.",
                placeholder="FILE",
                completes="file",
            ),
            Option(
                "--password-variable",
                "admin_account_password_file",
                "Read it from an environment variable.",
                "environment",
                "NAME",
            ),
            Option("--ask", "admin_account_password_file", "Ask for it on the terminal.", "prompt"),
            Option(
                "--generate", "admin_account_generate", "Without one, make one and keep it in a private file.", "switch"
            ),
        ),
    ),
    Procedure(
        verb="env",
        playbook="env_file",
        summary="Have a complete .env; the old file is kept.",
        explanation=(
            "Makes it from .env.example, or adds what Compose needs and is missing. Makes secrets up, never changes a "
            "value that is there, and names weak ones. Works where the stack cannot be read for want of it.\n\n"
            "A database password is not made up when data of the database exists: the server keeps the old one."
        ),
        options=(
            Option(
                "--example",
                "env_file_example",
                "The file to make it from; .env.example.",
                placeholder="FILE",
                completes="file",
            ),
            Option(
                "--new-database",
                "env_file_new_database",
                "Make a database password up although data may exist.",
                "switch",
            ),
        ),
    ),
    Procedure(
        verb="restart",
        playbook="container_recovery",
        summary="Restart services, whatever state they are in, and wait until they are ready.",
        explanation=(
            "Stops and starts containers in dependency order. A container that is missing, or whose image or "
            "configuration is out of date, is made anew; the others stay as they are, with what was injected into "
            "them. Services that depend on one made anew are restarted after it."
        ),
        preset_variables={"container_recovery_action": "restart"},
        options=(_SERVICES_ARGUMENT, _RECREATE_OPTION, _no_login_option("container_recovery_verify_login")),
    ),
    Procedure(
        verb="rebuild-images",
        playbook="container_recovery",
        summary="Build images anew and use them; the old images are kept.",
        explanation=(
            "Builds the images of the services, and of every other service of the same source, beside those in use; a "
            "build that fails changes nothing. Then makes the containers anew whose image differs.\n\n"
            "When a new container does not become ready, its log is shown and the old images and containers are "
            "brought back. After a success, localdev undo does that."
        ),
        preset_variables={"container_recovery_action": "rebuild"},
        options=(
            _SERVICES_ARGUMENT,
            Option("--no-cache", "container_recovery_no_cache", "Run every instruction again.", "switch"),
            _RECREATE_OPTION,
            _no_login_option("container_recovery_verify_login"),
        ),
    ),
    Procedure(
        verb="reset",
        playbook="container_recovery",
        summary="Build all without the cache, make every container anew; data volumes stay.",
        explanation=(
            "The last resort for containers. Excluded services stay as they are, and so do all data volumes.\n\n"
            "When a step fails, the old images and containers are brought back. After a success, localdev undo does "
            "that."
        ),
        preset_variables={"container_recovery_action": "reset"},
        options=(_no_login_option("container_recovery_verify_login"),),
    ),
    Procedure(
        verb="volumes to-named",
        playbook="volume_transition",
        summary="Move the data from bind mounts to named volumes.",
        explanation=(
            "Stops the services, copies the data and compares every file, changes the mounts in the Compose file and "
            "nothing else of it, starts and verifies. The old data is kept until localdev cleanup.\n\n"
            "When a step fails, the state before is brought back. After a success, localdev undo does that."
        ),
        preset_variables={"volume_transition_to": "volume"},
    ),
    Procedure(
        verb="volumes to-bind",
        playbook="volume_transition",
        summary="Move the data from named volumes to bind mounts.",
        explanation=(
            "The way back of localdev volumes to-named: the data then lies in folders of the project.\n\n"
            "When a step fails, the state before is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option("--folder", "volume_transition_folder", "Where the folders are made (data).", placeholder="FOLDER"),
        ),
        preset_variables={"volume_transition_to": "bind"},
    ),
    Procedure(
        verb="volumes backup",
        playbook="volume_backup",
        summary="Archive the data files of services, in volumes and folders alike.",
        explanation=(
            "Stops the services that use the data, archives it with a manifest of every file, and starts what ran "
            "before. Such an archive fits the same major version of PostgreSQL alone; localdev backup makes a dump, "
            "and needs no stop."
        ),
        options=(
            Option(
                "", "volume_backup_services", "Whose data; without it all.", "list", "SERVICE", completes="services"
            ),
            Option("--folder", "volume_backup_dir", "Where the archives lie (backups/volumes).", placeholder="FOLDER"),
        ),
    ),
    Procedure(
        verb="volumes restore",
        playbook="volume_restore",
        summary="Bring the data of volume archives back; the old data is kept.",
        explanation=(
            "Unpacks the archives beside the data and compares every file with the manifest, then stops the services, "
            "swaps the data, starts and verifies. Archives of tar czf are taken too.\n\n"
            "When a step fails, the old data is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option(
                "",
                "volume_restore_select",
                "latest (without it), a set's time such as 20260131_100000, or an archive's name or path.",
                placeholder="ARCHIVES",
            ),
            Option("--service", "volume_restore_services", "Whose data the archive holds.", placeholder="SERVICE"),
            Option("--folder", "volume_restore_dir", "Where the archives lie (backups/volumes).", placeholder="FOLDER"),
            _no_login_option("volume_restore_verify_login"),
        ),
    ),
    Procedure(
        verb="provision",
        playbook="provision",
        summary="Make bare machines run the stack; what is there is left alone.",
        explanation=(
            "Engine and Compose, checkout, .env, images, and where there is no data yet, migrations and seeds or a "
            "backup of this machine; proved by a login. For machines that are reached over SSH by a user who may "
            "become root. A database that holds data is neither rebuilt nor restored.\n\n"
            "One that was cut short is run again, and goes on where it was."
        ),
        options=(
            Option("--repository", "provision_repository", "Address to clone from.", placeholder="URL"),
            Option("--source", "provision_source", "Checkout on this machine to send instead.", placeholder="FOLDER"),
            Option("--images-from", "provision_images_from", "registry (default) or controller.", placeholder="WHERE"),
            Option(
                "--from-backup", "provision_backup", "Begin with this backup, such as latest.", placeholder="BACKUP"
            ),
        ),
    ),
    Procedure(
        verb="status",
        playbook="status",
        summary="Show what the stack is doing.",
        explanation="Services, their health, where they can be reached, and where the data lies. Changes nothing.",
        data_source=("stack_status", "stack", "status"),
    ),
    Procedure(
        verb="undo",
        playbook="undo",
        summary="Take the last run back.",
        explanation=(
            "Puts back what the run had set aside, and sets aside in turn what stands there now. Without RUN_ID it "
            "looks at the newest run only: if that run keeps nothing, what it stopped is started again, and the older "
            "runs that can be taken back are listed. Finishes interrupted runs."
        ),
        options=(
            Option(
                "",
                "undo_run_id",
                "The run to take back, such as 20260131T100000Z-1f2e.",
                placeholder="RUN_ID",
                completes="runs",
            ),
        ),
    ),
    Procedure(
        verb="runs",
        playbook="run_list",
        summary="List what has been run on the stack.",
        explanation="Newest first, with what each run has set aside and still keeps. Changes nothing, needs no Docker.",
        data_source=("recovery_run_info", "runs", "locked", "interrupted"),
    ),
    Procedure(
        verb="explain",
        playbook="run_explain",
        summary="Explain what a run did, and how to take it back.",
        explanation=(
            "Its steps, what it has set aside and where that is now, and why it failed. Changes nothing, needs no "
            "Docker."
        ),
        options=(
            Option("", "run_explain_id", "Which run; without it the newest.", placeholder="RUN_ID", completes="runs"),
        ),
    ),
    Procedure(
        verb="cleanup",
        playbook="cleanup",
        summary="Delete what old runs have set aside, never the newest.",
        explanation=(
            "The only verb that deletes. localdev cleanup --check says how many bytes it would free.\n\n"
            "By default it deletes by age and number. With RUN_ID or --all it deletes what these runs keep, whatever "
            "its age. Of each object, the newest copy that has content stays without --also-newest."
        ),
        options=(
            Option(
                "",
                "cleanup_runs",
                "Delete what these runs keep; without it by age and number.",
                "list",
                "RUN_ID",
                completes="runs",
            ),
            Option("--keep", "cleanup_keep", "How many of each object stay, whatever their age.", "integer", "COUNT"),
            Option("--older-than", "cleanup_older_than_days", "Delete only what is at least so old.", "number", "DAYS"),
            Option("--all", "cleanup_all", "Delete what any run keeps.", "switch"),
            Option("--also-newest", "cleanup_also_newest", "With RUN_ID or --all: the newest copies too.", "switch"),
        ),
    ),
)

# First words of the verbs with two words, and their help.
GROUPS: Mapping[str, str] = {"volumes": "Move, archive and restore the files of volumes and folders."}

SESSIONS = (
    Session(
        verb="logs",
        summary="Show the logs of services.",
        explanation=(
            "Of all services that have a container, but for the excluded ones, which are shown when they are named. "
            "Secrets in the logs are shown as they are."
        ),
        options=(
            Option("", "services", "Only these services.", "list", "SERVICE", completes="services"),
            Option("--follow", "follow", "Go on as new lines come.", "switch", short="-f"),
            Option("--tail", "tail", "Only so many of the last lines of each.", "integer", "COUNT"),
        ),
    ),
    Session(
        verb="psql",
        summary="Open psql on the database.",
        explanation="In the server's container, as the database's user. Without a terminal it reads SQL from stdin.",
    ),
    Session(
        verb="shell",
        summary="Open a shell in a service.",
        explanation="bash, or sh where there is none. Without a terminal it reads commands from stdin.",
        options=(
            Option(
                "", "service", "Which service; without it the application.", placeholder="SERVICE", completes="services"
            ),
        ),
    ),
)


def find_procedure(playbook: str, variables: Mapping[str, Any] | None = None) -> Procedure | None:
    """Return the procedure of a playbook. variables: choose between several verbs by the variables that they preset."""
    candidates = [procedure for procedure in PROCEDURES if procedure.playbook == playbook]
    wanted = variables or {}
    return next(
        (
            item
            for item in candidates
            if all(wanted.get(name) == value for name, value in item.preset_variables.items())
        ),
        candidates[0] if candidates and not variables else None,
    )
