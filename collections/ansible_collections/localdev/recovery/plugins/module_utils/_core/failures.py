# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define every failure of this collection: its id, which decides the exit code of the CLI, and what it means.

``docs/failures.md`` is generated from this file.
"""

from __future__ import annotations

import enum
import errno
import os


class FailureKind(enum.Enum):
    """A kind of failure, by its meaning for the stack. value: the exit code of localdev."""

    FAILED = 1
    USAGE = 2
    VERIFICATION = 4
    LOCKED = 5
    UNSAFE = 6
    UNREACHABLE = 7
    INTERRUPTED = 130


_FailureValue = tuple[str, FailureKind, str]


def _failed(identifier: str, meaning: str) -> _FailureValue:
    return identifier, FailureKind.FAILED, meaning


def _usage(identifier: str, meaning: str) -> _FailureValue:
    return identifier, FailureKind.USAGE, meaning


def _verification(identifier: str, meaning: str) -> _FailureValue:
    return identifier, FailureKind.VERIFICATION, meaning


def _locked(identifier: str, meaning: str) -> _FailureValue:
    return identifier, FailureKind.LOCKED, meaning


def _unsafe(identifier: str, meaning: str) -> _FailureValue:
    return identifier, FailureKind.UNSAFE, meaning


class FailureId(enum.Enum):
    """A failure. value: (id on the wire, kind, meaning in one sentence).

    The first part of an id is the object that is wrong. Keep the members in the order of their ids.
    """

    ACCOUNT_AMBIGUOUS = _unsafe("account.ambiguous", "Several rows of the table have the administrator's name.")
    ACCOUNT_API_UNREACHABLE = _unsafe("account.api_unreachable", "The login of the API does not answer.")
    ACCOUNT_APPLICATION = _unsafe(
        "account.application", "The application fails at the login, or cannot hash a password."
    )
    ACCOUNT_COLUMNS_MISSING = _unsafe(
        "account.columns_missing",
        "The table of the users needs columns that the administrator's new row does not set.",
    )
    ACCOUNT_DATABASE = _unsafe(
        "account.database", "The administrator's row cannot be read, or the application cannot use its database."
    )
    ACCOUNT_LOCKED = _unsafe(
        "account.locked", "The API refuses the administrator, although the password and the row are right."
    )
    ACCOUNT_LOGIN_PATH = _unsafe("account.login_path", "The API does not know the path or the body of the login.")
    ACCOUNT_NO_PASSWORD = _unsafe("account.no_password", "There is no password for the administrator.")
    ACCOUNT_NO_PASSWORD_FILE = _usage(
        "account.no_password_file", "The file that should hold the administrator's password does not exist."
    )
    ACCOUNT_NOT_REGISTERED = _failed("account.not_registered", "The API did not register the administrator.")
    ACCOUNT_NOT_VERIFIED = _verification(
        "account.not_verified", "The administrator's account is not correct after the change."
    )
    ACCOUNT_NOT_WRITTEN = _failed("account.not_written", "The administrator's row could not be written.")
    ACCOUNT_PASSWORD_POLICY = _unsafe("account.password_policy", "The password for the administrator is too weak.")
    ACCOUNT_SIGNING_KEY = _unsafe(
        "account.signing_key", "The key that signs the tokens of the login is missing or wrong."
    )
    ALEMBIC_AMBIGUOUS = _unsafe(
        "alembic.ambiguous", "Several services or sections have migrations, and none of them is chosen."
    )
    ALEMBIC_CONFIG_MISSING = _failed("alembic.config_missing", "The configuration of Alembic is not found.")
    ALEMBIC_ENV_PY = _failed(
        "alembic.env_py", "The env.py of the project did not run the migrations, or ended the program."
    )
    ALEMBIC_FAILED = _failed("alembic.failed", "Alembic failed.")
    ALEMBIC_NO_ANSWER = _failed("alembic.no_answer", "The program that runs Alembic gave no answer.")
    ALEMBIC_NOT_FOUND = _failed("alembic.not_found", "No service of the stack has Alembic.")
    ALEMBIC_NOT_INSTALLED = _failed("alembic.not_installed", "No Python of the application has Alembic.")
    ALEMBIC_OTHER_DATABASE = _failed(
        "alembic.other_database", "The env.py of the project connects to another database than the wanted one."
    )
    ANSIBLE_FAILED = _failed("ansible.failed", "ansible-playbook failed, although no task did.")
    ANSIBLE_REFUSED = _usage("ansible.refused", "ansible-playbook refused an inventory or an option.")
    APPLICATION_NOT_FOUND = _failed("application.not_found", "No service of the stack is known to run the application.")
    ARCHIVE_AMBIGUOUS = _usage("archive.ambiguous", "The name of a volume archive does not say which data it holds.")
    ARCHIVE_CORRUPT = _verification("archive.corrupt", "A volume archive is corrupt, or is no tar.")
    ARCHIVE_EXISTS = _unsafe("archive.exists", "There is a volume archive of this name already, with other content.")
    ARCHIVE_MANIFEST_DAMAGED = _verification(
        "archive.manifest_damaged", "The manifest of a volume archive cannot be read."
    )
    ARCHIVE_NO_CLUSTER = _unsafe("archive.no_cluster", "A volume archive for the database holds no PostgreSQL cluster.")
    ARCHIVE_NOT_FOUND = _usage("archive.not_found", "There is no such volume archive.")
    ARCHIVE_NOT_WRITTEN = _failed("archive.not_written", "A volume archive could not be written.")
    ARCHIVE_OTHER_VERSION = _unsafe(
        "archive.other_version", "A volume archive holds data of another major version of PostgreSQL."
    )
    ARCHIVE_UNSAFE_MEMBER = _unsafe(
        "archive.unsafe_member", "A volume archive has a member that leads outside, or whose type is not supported."
    )
    BACKUP_BUNDLE_INVALID = _failed("backup.bundle_invalid", "A transferred file is not a backup with its metadata.")
    BACKUP_CONTENT_DIFFERS = _verification(
        "backup.content_differs", "The restored content of a backup differs from its metadata."
    )
    BACKUP_CORRUPT = _unsafe("backup.corrupt", "The files of a backup are corrupt or incomplete.")
    BACKUP_DUMP_FAILED = _failed("backup.dump_failed", "The dump of the database failed.")
    BACKUP_EXTENSION_MISSING = _unsafe("backup.extension_missing", "The server lacks an extension that a backup needs.")
    BACKUP_INCOMPLETE = _failed(
        "backup.incomplete", "A backup has no metadata, so it cannot be verified where it arrives."
    )
    BACKUP_NAME_TAKEN = _unsafe("backup.name_taken", "The folder has another backup of the same name.")
    BACKUP_NEWER_SERVER = _unsafe(
        "backup.newer_server", "A backup comes from a newer version of PostgreSQL than that of the server."
    )
    BACKUP_NONE = _failed("backup.none", "The folder has no complete backup.")
    BACKUP_NOT_A_DUMP = _unsafe("backup.not_a_dump", "A file is no dump, or one of a kind that cannot be restored.")
    BACKUP_NOT_DELETED = _failed("backup.not_deleted", "An old backup cannot be deleted.")
    BACKUP_NOT_FOUND = _usage("backup.not_found", "There is no backup of this name, path or age.")
    BACKUP_NOT_RESTORABLE = _verification("backup.not_restorable", "PostgreSQL cannot restore a backup.")
    BACKUP_REVISION_UNCERTAIN = _unsafe(
        "backup.revision_uncertain", "The metadata of a backup does not name its revision completely."
    )
    BACKUP_REVISION_UNKNOWN = _unsafe(
        "backup.revision_unknown", "A backup is at a revision that this checkout does not have."
    )
    BACKUP_REVISIONS_OVERLAP = _unsafe(
        "backup.revisions_overlap", "A backup is at a revision and at another one that comes before it."
    )
    BACKUP_UNREADABLE = _unsafe("backup.unreadable", "The pg_restore of the server cannot read a backup.")
    BACKUP_UNSAFE_STATEMENT = _unsafe(
        "backup.unsafe_statement", "A plain dump has a statement that reaches beyond the temporary database."
    )
    COMPOSE_NOT_FOUND = _failed(
        "compose.not_found", "The Compose v2 plugin is installed, but the docker command does not find it."
    )
    COMPOSE_NOT_INSTALLED = _failed("compose.not_installed", "The Docker CLI has no Compose v2 plugin.")
    COMPOSE_FILE_INVALID = _failed("compose_file.invalid", "A Compose file cannot be read.")
    COMPOSE_FILE_MISSING = _failed("compose_file.missing", "The project folder has no Compose file.")
    COMPOSE_FILE_MOUNT_ELSEWHERE = _failed(
        "compose_file.mount_elsewhere", "A mount is not written in the Compose files themselves."
    )
    COMPOSE_FILE_UNPLANNED_CHANGE = _unsafe(
        "compose_file.unplanned_change", "The changed Compose file would not mean what is wanted."
    )
    CONTAINER_COMMAND_MISSING = _unsafe("container.command_missing", "A container lacks a command that replaces files.")
    CONTAINER_FILES_FAILED = _failed("container.files_failed", "Files in a container could not be read or changed.")
    CONTAINER_MISSING = _failed("container.missing", "A container does not exist any more.")
    CONTAINER_PYTHON_FAILED = _failed("container.python_failed", "The Python of a container could not compile files.")
    CONTAINER_READ_ONLY = _unsafe("container.read_only", "The root file system of a container is read-only.")
    CONTAINER_FILE_NOT_PLAIN = _unsafe(
        "container_file.not_plain", "A file that must be kept in a container is no plain file."
    )
    COPY_DIFFERS = _verification("copy.differs", "A copy of files differs from its original.")
    COPY_FAILED = _failed("copy.failed", "Files of a volume or a folder could not be read or written.")
    DATABASE_EXISTS = _unsafe("database.exists", "There is a database of the name for a new one.")
    DATABASE_LOGIN_REFUSED = _unsafe(
        "database.login_refused", "The database server refuses each account that its container knows."
    )
    DATABASE_NO_PRIVILEGES = _unsafe(
        "database.no_privileges", "No known account may create and rename the databases of the server."
    )
    DATABASE_NOT_FOUND = _failed("database.not_found", "No service of the stack is known to run the database.")
    DATABASE_NOT_POSTGRESQL = _failed("database.not_postgresql", "The database of the migrations is not PostgreSQL.")
    DATABASE_QUERY_FAILED = _failed("database.query_failed", "The database did not answer a query.")
    DATABASE_UNREACHABLE = _failed(
        "database.unreachable", "The database cannot be reached over TCP from the stack's host."
    )
    DATABASE_DRIVER_MISSING = _unsafe(
        "database_driver.missing", "Python on the stack's host has no driver for PostgreSQL."
    )
    DATABASE_PASSWORD_DATA_EXISTS = _unsafe(
        "database_password.data_exists", "A new database password would not fit the data that exists."
    )
    DATABASE_PASSWORD_DATA_UNKNOWN = _unsafe(
        "database_password.data_unknown", "Data of the database may exist, which a new database password would not fit."
    )
    DISK_FULL = _failed("disk.full", "A disk has no free space.")
    DISK_TOO_SMALL = _unsafe("disk.too_small", "The disk has too little free space.")
    DOCKER_COMMAND_FAILED = _failed(
        "docker.command_failed", "A command of Docker failed, or a program that it ran in a container."
    )
    DOCKER_NO_ACCESS = _failed("docker.no_access", "This user may not use the Docker daemon.")
    DOCKER_NOT_INSTALLED = _failed("docker.not_installed", "The Docker CLI is not installed on the stack's host.")
    DOCKER_NOT_RUNNING = _failed("docker.not_running", "The Docker daemon does not answer.")
    DOCKER_OTHER_ENDPOINT = _failed(
        "docker.other_endpoint", "The docker command is set to an engine elsewhere, which does not answer."
    )
    DOCKER_TIMEOUT = _failed("docker.timeout", "A command of Docker did not end in time.")
    ENV_FILE_INCOMPLETE = _unsafe(
        "env_file.incomplete", "Variables of the env file need values that cannot be generated."
    )
    ENV_FILE_INVALID = _unsafe("env_file.invalid", "The env file or its example cannot be read as one.")
    ENV_FILE_NO_SOURCE = _failed(
        "env_file.no_source", "Neither an env file nor an example exists, and Compose needs no variable."
    )
    ENV_FILE_REFUSED = _verification("env_file.refused", "Compose refuses the new env file.")
    ENV_VARIABLE_MISSING = _failed("env_variable.missing", "A variable that the Compose files require has no value.")
    FILE_NOT_READABLE = _failed("file.not_readable", "A file or a folder cannot be read.")
    FILE_NOT_WRITABLE = _failed("file.not_writable", "A file or a folder cannot be written.")
    GIT_FAILED = _failed("git.failed", "A command of git failed.")
    GIT_UNKNOWN_RANGE = _usage("git.unknown_range", "The repository does not have this range of commits.")
    HELPER_CONTAINER_FAILED = _failed("helper_container.failed", "A helper container could not run.")
    HOST_LIMIT_REACHED = _failed("host.limit_reached", "A limit of a host is reached, such as that of open files.")
    HOST_PYTHON_TOO_OLD = _unsafe("host.python_too_old", "The Python of the stack's host is too old.")
    HOST_UNREACHABLE = ("host.unreachable", FailureKind.UNREACHABLE, "A host could not be reached.")
    HOST_UNSUPPORTED = _failed("host.unsupported", "The packages of the host's system are unknown.")
    IMAGE_BUILD_FAILED = _failed("image.build_failed", "The build of an image failed.")
    IMAGE_MISSING = _failed("image.missing", "An image that is needed is not on the stack's host.")
    IMAGE_NO_PYTHON = _failed("image.no_python", "No image has the Python that copies files.")
    IMAGE_NOT_BUILT = _failed("image.not_built", "No service of the stack builds this image.")
    IMAGE_UNKNOWN_VERSION = _failed(
        "image.unknown_version", "An image does not say which version of PostgreSQL it has."
    )
    INJECTION_AMBIGUOUS_TARGET = _unsafe(
        "injection.ambiguous_target", "A file belongs into several places of a container."
    )
    INJECTION_NO_TARGET = _unsafe("injection.no_target", "A file belongs into no container.")
    INJECTION_NOT_A_FILE = _unsafe("injection.not_a_file", "The place of a file in a container is a link or a folder.")
    INJECTION_ON_MOUNT = _unsafe("injection.on_mount", "The place of a file in a container is on a mount.")
    INVENTORY_MISSING = _usage("inventory.missing", "An inventory does not exist.")
    INVENTORY_UNREADABLE = _usage("inventory.unreadable", "An inventory cannot be read.")
    KEPT_COPY_CHANGED = _verification("kept_copy.changed", "A kept copy is no longer what was set aside.")
    KEPT_COPY_IN_KEPT_DATA = _unsafe(
        "kept_copy.in_kept_data", "A kept database is in data that a later run has set aside."
    )
    KEPT_COPY_MISSING = _verification("kept_copy.missing", "A kept copy does not exist any more.")
    KEPT_COPY_NEWEST = _unsafe(
        "kept_copy.newest", "A run keeps only the newest copies that have content, which a cleanup leaves."
    )
    LIMIT_NO_HOST = _usage("limit.no_host", "No host of the inventory matches --limit.")
    LOCK_HELD = _locked("lock.held", "Another run works on the stack.")
    LOCK_LOST = _locked("lock.lost", "Another run has taken over the lock of this run.")
    LOCK_UNREADABLE = _failed("lock.unreadable", "The lock file of the stack cannot be read.")
    MIGRATION_FAILED = _failed("migration.failed", "A migration failed.")
    MIGRATION_LOCKED = _failed("migration.locked", "Another migration of the same database is running.")
    MIGRATION_NO_PATH = _failed("migration.no_path", "No migrations lead to the wanted revision.")
    MIGRATION_OWN_COMMAND = _unsafe(
        "migration.own_command", "The project migrates by a command of its own, which has one database only."
    )
    MIGRATIONS_BROKEN = _failed("migrations.broken", "The migrations do not fit together.")
    OPTION_CONFLICT = _usage("option.conflict", "Two options exclude each other.")
    OPTION_INVALID = _usage("option.invalid", "An option or a variable has a value that is not possible.")
    OPTION_MISSING = _usage("option.missing", "An option that is needed is not given.")
    PACKAGE_SOURCE_UNUSABLE = _failed(
        "package.source_unusable", "The host's package manager cannot use a package source."
    )
    PORT_TAKEN = _failed("port.taken", "Another process or container already uses a port.")
    PROCEDURE_UNKNOWN = _usage("procedure.unknown", "There is no procedure of this name.")
    PROGRAM_NOT_INSTALLED = _failed("program.not_installed", "A program is not installed on the stack's host.")
    PROJECT_FILE_MISSING = _failed("project_file.missing", "A file that the Compose project names does not exist.")
    PROJECT_FOLDER_MISSING = _usage("project_folder.missing", "The folder of the Compose project does not exist.")
    PROJECT_FOLDER_NOT_A_FOLDER = _usage("project_folder.not_a_folder", "The project folder is a file.")
    PROJECT_FOLDER_NOT_UTF8 = _usage("project_folder.not_utf8", "The project folder is not UTF-8.")
    PROJECT_FOLDER_UNREADABLE = _usage("project_folder.unreadable", "The project folder cannot be read.")
    PYTHON_NOT_RUNNABLE = _failed("python.not_runnable", "The Python that is to run Alembic cannot be started.")
    REGISTRATION_CHECK_FAILED = _failed(
        "registration.check_failed", "The check of the registrations raises an error in the application."
    )
    REGISTRATION_INCOMPLETE = _verification("registration.incomplete", "Something that should be registered is not.")
    REGISTRATION_NO_ANSWER = _failed("registration.no_answer", "The check of the registrations gave no answer.")
    REPOSITORY_HAS_SECRET = _usage("repository.has_secret", "The address of a repository holds a password or a token.")
    REVISION_UNKNOWN = _failed("revision.unknown", "A revision is not among the migrations.")
    ROW_AMBIGUOUS = _unsafe("row.ambiguous", "Several rows have the value that should name one row.")
    RUN_INTERRUPTED = ("run.interrupted", FailureKind.INTERRUPTED, "A signal such as Ctrl-C interrupted the run.")
    RUN_KEEPS_NOTHING = _unsafe("run.keeps_nothing", "The run keeps nothing that could be put back.")
    RUN_KILLED = _failed("run.killed", "The process ansible-playbook was killed before the run had ended.")
    RUN_NEWEST_UNREADABLE = _unsafe(
        "run.newest_unreadable", "The record of the newest run cannot be read, so the copies that it keeps are unknown."
    )
    RUN_NONE = _unsafe("run.none", "There is no run to undo or to explain.")
    RUN_NOT_SETTLED = _unsafe(
        "run.not_settled", "An interrupted run must be finished first, or cannot be without the record of another run."
    )
    RUN_OTHER_FOLDER = _unsafe("run.other_folder", "The run kept files of another project folder, which still exists.")
    RUN_RECORD_MISSING = _unsafe("run.record_missing", "Kept copies of a run exist, but its record does not.")
    RUN_UNKNOWN = _usage("run.unknown", "The stack has no run of this id.")
    RUN_UNREADABLE = _failed("run.unreadable", "The record of a run cannot be read.")
    SCHEMA_COLUMNS_MISSING = _unsafe(
        "schema.columns_missing",
        "The database lacks columns or tables that the application needs, and no migration adds them.",
    )
    SCHEMA_MULTIPLE_HEADS = _unsafe("schema.multiple_heads", "The migrations end in several heads.")
    SCHEMA_NOT_AT_TARGET = _verification(
        "schema.not_at_target", "The database is not at the wanted revision after the upgrade."
    )
    SCHEMA_NOT_STAMPED = _unsafe("schema.not_stamped", "The database has tables, but no revision.")
    SCHEMA_OVERLAPPING = _unsafe("schema.overlapping", "The version table has a revision beside one that builds on it.")
    SCHEMA_TABLES_MISSING = _unsafe(
        "schema.tables_missing", "The database is at the heads, but lacks tables of the models."
    )
    SCHEMA_UNKNOWN_REVISION = _unsafe(
        "schema.unknown_revision", "The database is at a revision that this checkout does not have."
    )
    SEED_COMMAND_FAILED = _failed("seed_command.failed", "A seed command failed.")
    SEED_COMMAND_INVALID = _failed("seed_command.invalid", "An entry of stack_seed_commands is wrong.")
    SEED_COMMAND_WRONG_ROWS = _verification(
        "seed_command.wrong_rows", "A seed command did not leave the rows that are expected."
    )
    SERVICE_EXCLUDED = _usage("service.excluded", "A named service is excluded or not enabled.")
    SERVICE_NOT_READY = _failed("service.not_ready", "A service did not become ready.")
    SERVICE_NOT_RUNNING = _failed("service.not_running", "A service does not run.")
    SERVICE_UNKNOWN = _usage("service.unknown", "The project has no service of this name.")
    SESSION_CONNECTION = _failed("session.connection", "A session cannot use the connection plugin.")
    SESSION_NO_CONTAINER = _failed("session.no_container", "No service of the stack has a container.")
    SESSION_NOT_ONE_SERVICE = _usage("session.not_one_service", "A shell needs the name of a service.")
    SESSION_NOT_ONE_STACK = _usage("session.not_one_stack", "A session needs exactly one stack.")
    SESSION_NOT_STARTED = _failed("session.not_started", "The program of a session could not be started.")
    SOURCE_NOT_FOUND = _usage("source.not_found", "No file matches a pattern of sources.")
    SOURCE_SYNTAX_ERROR = _unsafe("source.syntax_error", "A Python file does not compile.")
    STACK_UNDECIDED = _usage("stack.undecided", "Discovery cannot decide something about the stack.")
    STATE_MISSING = _failed("state.missing", "The state folder of the stack was deleted during a run.")
    STATE_NO_ACCESS = _unsafe("state.no_access", "This user may not use the state folder of the stack.")
    STATE_NOT_PERSISTENT = _unsafe(
        "state.not_persistent", "The state folder would not outlive the container in which the modules run."
    )
    STATE_NOT_WRITTEN = _failed("state.not_written", "A file in the state folder of the stack cannot be written.")
    TASK_CENSORED = _failed("task.censored", "A task failed, and its result may hold secrets.")
    TASK_CRASHED = _failed("task.crashed", "A module crashed: this is a bug, or its Python is broken.")
    TASK_FAILED = _failed("task.failed", "A task of Ansible or of another collection failed.")
    TEMPORARY_OBJECT_NOT_DELETED = _failed(
        "temporary_object.not_deleted", "A temporary object of a run cannot be deleted."
    )
    TRANSFER_FAILED = _failed("transfer.failed", "A command that moves data between the controller and a host failed.")
    TRANSFER_INCOMPLETE = _failed(
        "transfer.incomplete", "Data that was sent between the controller and a host arrived incomplete or changed."
    )
    VARIABLE_INVALID = _usage("variable.invalid", "A variable cannot be handed to Ansible as data.")
    VARIABLE_UNKNOWN = _usage("variable.unknown", "No role reads a variable of this name.")
    VARIABLES_FILE_MISSING = _usage("variables_file.missing", "A file of variables does not exist.")
    VARIABLES_FILE_UNREADABLE = _usage("variables_file.unreadable", "A file of variables cannot be read.")
    VERIFY_FAILED = _verification("verify.failed", "The stack does not work as it should after the procedure.")
    VOLUME_IN_USE = _unsafe("volume.in_use", "A running container uses a volume or a folder.")
    VOLUME_NAME_IN_USE = _usage("volume.name_in_use", "The new name for a volume or a folder is in use already.")
    VOLUME_NO_DATA = _failed("volume.no_data", "The services mount no data.")
    VOLUME_NOT_FOUND = _failed("volume.not_found", "A volume or a folder does not exist.")
    VOLUME_OCCUPIED = _unsafe("volume.occupied", "A volume or a folder is not empty, and holds something else.")
    VOLUME_UNCLEAN_CLUSTER = _unsafe("volume.unclean_cluster", "The PostgreSQL server of the files was not shut down.")
    VOLUME_UNSUPPORTED_NAME = _failed(
        "volume.unsupported_name", "Docker cannot mount a volume or a folder of this name."
    )

    def __init__(self, identifier: str, kind: FailureKind, meaning: str) -> None:
        self.id = identifier
        self.kind = kind
        self.meaning = meaning

    @classmethod
    def from_id(cls, identifier: str) -> FailureId:
        """Return the failure with this id. Raise ValueError if there is none."""
        for failure in cls:
            if failure.id == identifier:
                return failure
        raise ValueError(f"There is no failure {identifier!r}")

    @classmethod
    def from_write_error(cls, error: OSError) -> FailureId:
        """Return the failure of a file that could not be written."""
        if error.errno == errno.ENOSPC:
            return cls.DISK_FULL if has_free_inodes(error.filename) else cls.HOST_LIMIT_REACHED
        limited = error.errno in (errno.EMFILE, errno.ENFILE, errno.EDQUOT)
        return cls.HOST_LIMIT_REACHED if limited else cls.FILE_NOT_WRITABLE


def has_free_inodes(path: str | bytes | int | None) -> bool:
    """Return whether a new file fits into the folder of a path, by the number of inodes. What is unknown has some."""
    if not isinstance(path, (str, bytes)):
        return True
    try:
        found = os.statvfs(os.path.dirname(os.path.abspath(path)))
    except OSError:
        return True
    # Some file systems make inodes as they need them, and report none.
    return found.f_files == 0 or found.f_favail > 0
