# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define every failure of this collection: its id, which decides the exit code of the CLI, and what it means.

``docs/failures.md`` is generated from this file.
"""

from __future__ import annotations

import enum


class FailureKind(enum.Enum):
    """What a failure means for the stack. value: the exit code of localdev."""

    FAILED = 1
    USAGE = 2
    VERIFICATION = 4
    LOCKED = 5
    UNSAFE = 6
    UNREACHABLE = 7
    INTERRUPTED = 130


class FailureId(enum.Enum):
    """Every failure. value: (id on the wire, kind, meaning in one sentence).

    The first part of an id is the object that is wrong. Keep the members in the order of their ids.
    """

    ACCOUNT_AMBIGUOUS = (
        "account.ambiguous",
        FailureKind.UNSAFE,
        "Several rows of the table have the administrator's name.",
    )
    ACCOUNT_API_UNREACHABLE = ("account.api_unreachable", FailureKind.UNSAFE, "The login of the API does not answer.")
    ACCOUNT_APPLICATION = (
        "account.application",
        FailureKind.UNSAFE,
        "The application fails at the login, or cannot hash a password.",
    )
    ACCOUNT_COLUMNS_MISSING = (
        "account.columns_missing",
        FailureKind.UNSAFE,
        "The table of the users needs columns that nobody has set for the administrator's row.",
    )
    ACCOUNT_DATABASE = (
        "account.database",
        FailureKind.UNSAFE,
        "The administrator's row cannot be read, or the application cannot use its database.",
    )
    ACCOUNT_LOCKED = (
        "account.locked",
        FailureKind.UNSAFE,
        "The API refuses the administrator, although the password and the row are right.",
    )
    ACCOUNT_LOGIN_PATH = (
        "account.login_path",
        FailureKind.UNSAFE,
        "The API does not know the path or the body of the login.",
    )
    ACCOUNT_NO_PASSWORD = ("account.no_password", FailureKind.UNSAFE, "There is no password for the administrator.")
    ACCOUNT_NO_PASSWORD_FILE = (
        "account.no_password_file",
        FailureKind.USAGE,
        "The file that should hold the administrator's password does not exist.",
    )
    ACCOUNT_NOT_REGISTERED = (
        "account.not_registered",
        FailureKind.FAILED,
        "The API did not register the administrator.",
    )
    ACCOUNT_NOT_VERIFIED = (
        "account.not_verified",
        FailureKind.VERIFICATION,
        "The administrator's account is not correct after the change.",
    )
    ACCOUNT_NOT_WRITTEN = ("account.not_written", FailureKind.FAILED, "The administrator's row could not be written.")
    ACCOUNT_PASSWORD_POLICY = (
        "account.password_policy",
        FailureKind.UNSAFE,
        "The password for the administrator is too weak.",
    )
    ACCOUNT_SIGNING_KEY = (
        "account.signing_key",
        FailureKind.UNSAFE,
        "The key that signs the tokens of the login is missing or wrong.",
    )
    ALEMBIC_CONFIG_MISSING = (
        "alembic.config_missing",
        FailureKind.FAILED,
        "The configuration of Alembic is not found.",
    )
    ALEMBIC_ENV_PY = (
        "alembic.env_py",
        FailureKind.FAILED,
        "The env.py of the project did not run the migrations, or ended the program.",
    )
    ALEMBIC_FAILED = ("alembic.failed", FailureKind.FAILED, "Alembic failed.")
    ALEMBIC_NO_ANSWER = ("alembic.no_answer", FailureKind.FAILED, "The program that runs Alembic gave no answer.")
    ALEMBIC_NOT_FOUND = ("alembic.not_found", FailureKind.FAILED, "No service of the stack has Alembic.")
    ALEMBIC_OTHER_DATABASE = (
        "alembic.other_database",
        FailureKind.FAILED,
        "The env.py of the project connects to another database than the wanted one.",
    )
    ANSIBLE_FAILED = ("ansible.failed", FailureKind.FAILED, "ansible-playbook failed, although no task did.")
    ANSIBLE_REFUSED = ("ansible.refused", FailureKind.USAGE, "ansible-playbook refused an inventory or an option.")
    APPLICATION_NOT_FOUND = (
        "application.not_found",
        FailureKind.FAILED,
        "No service of the stack is known to run the application.",
    )
    ARCHIVE_AMBIGUOUS = (
        "archive.ambiguous",
        FailureKind.USAGE,
        "The name of a volume archive does not say which data it holds.",
    )
    ARCHIVE_DAMAGED = ("archive.damaged", FailureKind.VERIFICATION, "A volume archive is damaged, or is no tar.")
    ARCHIVE_EXISTS = (
        "archive.exists",
        FailureKind.UNSAFE,
        "There is a volume archive of this name already, with other content.",
    )
    ARCHIVE_MANIFEST_DAMAGED = (
        "archive.manifest_damaged",
        FailureKind.VERIFICATION,
        "The manifest of a volume archive cannot be read.",
    )
    ARCHIVE_NO_CLUSTER = (
        "archive.no_cluster",
        FailureKind.UNSAFE,
        "A volume archive for the database holds no PostgreSQL cluster.",
    )
    ARCHIVE_NOT_FOUND = ("archive.not_found", FailureKind.USAGE, "There is no such volume archive.")
    ARCHIVE_NOT_WRITTEN = ("archive.not_written", FailureKind.FAILED, "A volume archive could not be written.")
    ARCHIVE_OTHER_VERSION = (
        "archive.other_version",
        FailureKind.UNSAFE,
        "A volume archive holds data of another major version of PostgreSQL.",
    )
    ARCHIVE_UNSAFE_MEMBER = (
        "archive.unsafe_member",
        FailureKind.UNSAFE,
        "A volume archive has a member that leads outside, or whose type is not supported.",
    )
    BACKUP_BUNDLE_INVALID = (
        "backup.bundle_invalid",
        FailureKind.FAILED,
        "A transferred file is not a backup with its metadata.",
    )
    BACKUP_CONTENT_DIFFERS = (
        "backup.content_differs",
        FailureKind.VERIFICATION,
        "The restored content of a backup differs from its metadata.",
    )
    BACKUP_DAMAGED = ("backup.damaged", FailureKind.UNSAFE, "The files of a backup are damaged or incomplete.")
    BACKUP_DUMP_FAILED = ("backup.dump_failed", FailureKind.FAILED, "The dump of the database failed.")
    BACKUP_EXTENSION_MISSING = (
        "backup.extension_missing",
        FailureKind.UNSAFE,
        "The server lacks an extension that a backup needs.",
    )
    BACKUP_INCOMPLETE = (
        "backup.incomplete",
        FailureKind.FAILED,
        "A backup has no metadata, so it cannot be verified where it arrives.",
    )
    BACKUP_NAME_TAKEN = ("backup.name_taken", FailureKind.UNSAFE, "The folder has another backup of the same name.")
    BACKUP_NEWER_SERVER = (
        "backup.newer_server",
        FailureKind.UNSAFE,
        "A backup comes from a newer version of PostgreSQL than that of the server.",
    )
    BACKUP_NONE = ("backup.none", FailureKind.FAILED, "The folder has no complete backup.")
    BACKUP_NOT_DELETED = ("backup.not_deleted", FailureKind.FAILED, "An old backup cannot be deleted.")
    BACKUP_NOT_FOUND = ("backup.not_found", FailureKind.USAGE, "There is no backup of this name, path or age.")
    BACKUP_NOT_RESTORABLE = ("backup.not_restorable", FailureKind.VERIFICATION, "PostgreSQL cannot restore a backup.")
    BACKUP_REVISION_UNCERTAIN = (
        "backup.revision_uncertain",
        FailureKind.UNSAFE,
        "The metadata of a backup does not name its revision completely.",
    )
    BACKUP_REVISION_UNKNOWN = (
        "backup.revision_unknown",
        FailureKind.UNSAFE,
        "A backup is at a revision that this checkout does not have.",
    )
    BACKUP_REVISIONS_OVERLAP = (
        "backup.revisions_overlap",
        FailureKind.UNSAFE,
        "A backup is at a revision and at another one that comes before it.",
    )
    BACKUP_UNREADABLE = ("backup.unreadable", FailureKind.UNSAFE, "The pg_restore of the server cannot read a backup.")
    BACKUP_UNSAFE_STATEMENT = (
        "backup.unsafe_statement",
        FailureKind.UNSAFE,
        "A plain dump has a statement that reaches beyond the temporary database.",
    )
    COMPOSE_NOT_FOUND = (
        "compose.not_found",
        FailureKind.FAILED,
        "The Compose v2 plugin is installed, but the docker command does not find it.",
    )
    COMPOSE_NOT_INSTALLED = ("compose.not_installed", FailureKind.FAILED, "The Docker CLI has no Compose v2 plugin.")
    COMPOSE_FILE_INVALID = ("compose_file.invalid", FailureKind.FAILED, "A Compose file cannot be read.")
    COMPOSE_FILE_MISSING = ("compose_file.missing", FailureKind.FAILED, "The project folder has no Compose file.")
    COMPOSE_FILE_MOUNT_ELSEWHERE = (
        "compose_file.mount_elsewhere",
        FailureKind.FAILED,
        "A mount is not written in the Compose files themselves.",
    )
    COMPOSE_FILE_UNPLANNED_CHANGE = (
        "compose_file.unplanned_change",
        FailureKind.UNSAFE,
        "The changed Compose file would not mean what is wanted.",
    )
    CONTAINER_COMMAND_MISSING = (
        "container.command_missing",
        FailureKind.UNSAFE,
        "A container lacks a command that replaces files.",
    )
    CONTAINER_FILES_FAILED = (
        "container.files_failed",
        FailureKind.FAILED,
        "Files in a container could not be read or changed.",
    )
    CONTAINER_MISSING = ("container.missing", FailureKind.FAILED, "A container does not exist any more.")
    CONTAINER_PYTHON_FAILED = (
        "container.python_failed",
        FailureKind.FAILED,
        "The Python of a container could not compile files.",
    )
    CONTAINER_READ_ONLY = (
        "container.read_only",
        FailureKind.UNSAFE,
        "The root file system of a container is read-only.",
    )
    CONTAINER_FILE_NOT_PLAIN = (
        "container_file.not_plain",
        FailureKind.UNSAFE,
        "What is to be kept in a container is no plain file.",
    )
    COPY_DIFFERS = ("copy.differs", FailureKind.VERIFICATION, "A copy of files differs from its original.")
    COPY_FAILED = ("copy.failed", FailureKind.FAILED, "Files of a volume or a folder could not be read or written.")
    DATABASE_EXISTS = ("database.exists", FailureKind.UNSAFE, "There is a database of the name for a new one.")
    DATABASE_NOT_FOUND = (
        "database.not_found",
        FailureKind.FAILED,
        "No service of the stack is known to run the database.",
    )
    DATABASE_NOT_POSTGRESQL = (
        "database.not_postgresql",
        FailureKind.FAILED,
        "The database of the migrations is not PostgreSQL.",
    )
    DATABASE_QUERY_FAILED = ("database.query_failed", FailureKind.FAILED, "The database did not answer a query.")
    DATABASE_UNREACHABLE = (
        "database.unreachable",
        FailureKind.FAILED,
        "The database cannot be reached over TCP from the stack's host.",
    )
    DATABASE_DRIVER_MISSING = (
        "database_driver.missing",
        FailureKind.UNSAFE,
        "Python on the stack's host has no driver for PostgreSQL.",
    )
    DATABASE_PASSWORD_DATA_EXISTS = (
        "database_password.data_exists",
        FailureKind.UNSAFE,
        "A new database password would not fit the data that exists.",
    )
    DATABASE_PASSWORD_DATA_UNKNOWN = (
        "database_password.data_unknown",
        FailureKind.UNSAFE,
        "Data of the database may exist, which a new database password would not fit.",
    )
    DISK_FULL = ("disk.full", FailureKind.FAILED, "A disk has no free space.")
    DISK_TOO_SMALL = ("disk.too_small", FailureKind.UNSAFE, "The disk has too little free space.")
    DOCKER_COMMAND_FAILED = (
        "docker.command_failed",
        FailureKind.FAILED,
        "A command of Docker failed, or a program that it ran in a container.",
    )
    DOCKER_NO_ACCESS = ("docker.no_access", FailureKind.FAILED, "This user may not use the Docker daemon.")
    DOCKER_NOT_INSTALLED = (
        "docker.not_installed",
        FailureKind.FAILED,
        "The Docker CLI is not installed on the stack's host.",
    )
    DOCKER_NOT_RUNNING = ("docker.not_running", FailureKind.FAILED, "The Docker daemon does not answer.")
    DOCKER_OTHER_ENDPOINT = (
        "docker.other_endpoint",
        FailureKind.FAILED,
        "The docker command is set to an engine elsewhere, which does not answer.",
    )
    DOCKER_TIMEOUT = ("docker.timeout", FailureKind.FAILED, "A command of Docker did not end in time.")
    ENV_FILE_INCOMPLETE = (
        "env_file.incomplete",
        FailureKind.UNSAFE,
        "Variables of the env file need values that cannot be generated.",
    )
    ENV_FILE_INVALID = ("env_file.invalid", FailureKind.UNSAFE, "The env file or its example cannot be read as one.")
    ENV_FILE_NO_SOURCE = (
        "env_file.no_source",
        FailureKind.FAILED,
        "Neither an env file nor an example exists, and Compose needs no variable.",
    )
    ENV_FILE_REFUSED = ("env_file.refused", FailureKind.VERIFICATION, "Compose refuses the new env file.")
    ENV_VARIABLE_MISSING = (
        "env_variable.missing",
        FailureKind.FAILED,
        "A variable that the Compose files require has no value.",
    )
    FILE_NOT_READABLE = ("file.not_readable", FailureKind.FAILED, "A file or a folder cannot be read.")
    FILE_NOT_WRITABLE = ("file.not_writable", FailureKind.FAILED, "A file or a folder cannot be written.")
    GIT_FAILED = ("git.failed", FailureKind.FAILED, "A command of git failed.")
    GIT_UNKNOWN_RANGE = ("git.unknown_range", FailureKind.USAGE, "The repository does not have this range of commits.")
    HELPER_CONTAINER_FAILED = ("helper_container.failed", FailureKind.FAILED, "A helper container could not run.")
    HOST_PYTHON_TOO_OLD = ("host.python_too_old", FailureKind.UNSAFE, "The Python of the stack's host is too old.")
    HOST_UNREACHABLE = ("host.unreachable", FailureKind.UNREACHABLE, "A host could not be reached.")
    HOST_UNSUPPORTED = ("host.unsupported", FailureKind.FAILED, "The packages of the host's system are unknown.")
    IMAGE_BUILD_FAILED = ("image.build_failed", FailureKind.FAILED, "The build of an image failed.")
    IMAGE_MISSING = ("image.missing", FailureKind.FAILED, "An image that is needed is not on the stack's host.")
    IMAGE_NO_PYTHON = ("image.no_python", FailureKind.FAILED, "No image has the Python that copies files.")
    IMAGE_NOT_BUILT = ("image.not_built", FailureKind.FAILED, "No service of the stack builds this image.")
    IMAGE_UNKNOWN_VERSION = (
        "image.unknown_version",
        FailureKind.FAILED,
        "An image does not say which version of PostgreSQL it has.",
    )
    INJECTION_AMBIGUOUS_TARGET = (
        "injection.ambiguous_target",
        FailureKind.UNSAFE,
        "A file belongs into several places of a container.",
    )
    INJECTION_NO_TARGET = ("injection.no_target", FailureKind.UNSAFE, "A file belongs into no container.")
    INJECTION_NOT_A_FILE = (
        "injection.not_a_file",
        FailureKind.UNSAFE,
        "The place of a file in a container is a link or a folder.",
    )
    INJECTION_ON_MOUNT = ("injection.on_mount", FailureKind.UNSAFE, "The place of a file in a container is on a mount.")
    INVENTORY_MISSING = ("inventory.missing", FailureKind.USAGE, "An inventory does not exist.")
    INVENTORY_UNREADABLE = ("inventory.unreadable", FailureKind.USAGE, "An inventory cannot be read.")
    KEPT_COPY_CHANGED = ("kept_copy.changed", FailureKind.VERIFICATION, "A kept copy is no longer what was set aside.")
    KEPT_COPY_MISSING = ("kept_copy.missing", FailureKind.VERIFICATION, "A kept copy does not exist any more.")
    LIMIT_NO_HOST = ("limit.no_host", FailureKind.USAGE, "No host of the inventory matches --limit.")
    LOCK_HELD = ("lock.held", FailureKind.LOCKED, "Another run works on the stack.")
    LOCK_LOST = ("lock.lost", FailureKind.LOCKED, "Another run has taken over the lock of this run.")
    LOCK_UNREADABLE = ("lock.unreadable", FailureKind.FAILED, "The lock file of the stack cannot be read.")
    MIGRATION_FAILED = ("migration.failed", FailureKind.FAILED, "A migration failed.")
    MIGRATION_LOCKED = ("migration.locked", FailureKind.FAILED, "Another migration of the same database is running.")
    MIGRATION_NO_PATH = ("migration.no_path", FailureKind.FAILED, "No migrations lead to the wanted revision.")
    MIGRATIONS_BROKEN = ("migrations.broken", FailureKind.FAILED, "The migrations do not fit together.")
    OPTION_CONFLICT = ("option.conflict", FailureKind.USAGE, "Two options exclude each other.")
    OPTION_INVALID = ("option.invalid", FailureKind.USAGE, "An option or a variable has a value that is not possible.")
    OPTION_MISSING = ("option.missing", FailureKind.USAGE, "An option that is needed is not given.")
    PACKAGE_SOURCE_UNUSABLE = (
        "package.source_unusable",
        FailureKind.FAILED,
        "The host's package manager cannot use a package source.",
    )
    PORT_TAKEN = ("port.taken", FailureKind.FAILED, "Another process or container already uses a port.")
    PROCEDURE_UNKNOWN = ("procedure.unknown", FailureKind.USAGE, "There is no procedure of this name.")
    PROGRAM_NOT_INSTALLED = (
        "program.not_installed",
        FailureKind.FAILED,
        "A program is not installed on the stack's host.",
    )
    PROJECT_FILE_MISSING = (
        "project_file.missing",
        FailureKind.FAILED,
        "A file that the Compose project names does not exist.",
    )
    PROJECT_FOLDER_MISSING = (
        "project_folder.missing",
        FailureKind.USAGE,
        "The folder of the Compose project does not exist.",
    )
    PROJECT_FOLDER_NOT_A_FOLDER = ("project_folder.not_a_folder", FailureKind.USAGE, "The project folder is a file.")
    PROJECT_FOLDER_NOT_UTF8 = ("project_folder.not_utf8", FailureKind.USAGE, "The project folder is not UTF-8.")
    PROJECT_FOLDER_UNREADABLE = ("project_folder.unreadable", FailureKind.USAGE, "The project folder cannot be read.")
    PYTHON_NOT_RUNNABLE = (
        "python.not_runnable",
        FailureKind.FAILED,
        "The Python that is to run Alembic cannot be started.",
    )
    REGISTRATION_CHECK_FAILED = (
        "registration.check_failed",
        FailureKind.FAILED,
        "The check of the registrations raises an error in the application.",
    )
    REGISTRATION_INCOMPLETE = (
        "registration.incomplete",
        FailureKind.VERIFICATION,
        "Something that should be registered is not.",
    )
    REGISTRATION_NO_ANSWER = (
        "registration.no_answer",
        FailureKind.FAILED,
        "The check of the registrations gave no answer.",
    )
    REPOSITORY_HAS_SECRET = (
        "repository.has_secret",
        FailureKind.USAGE,
        "The address of a repository holds a password or a token.",
    )
    REVISION_UNKNOWN = ("revision.unknown", FailureKind.FAILED, "A revision is not among the migrations.")
    ROW_AMBIGUOUS = ("row.ambiguous", FailureKind.UNSAFE, "Several rows have the value that should name one row.")
    RUN_INTERRUPTED = ("run.interrupted", FailureKind.INTERRUPTED, "A signal such as Ctrl-C interrupted the run.")
    RUN_KEEPS_NOTHING = ("run.keeps_nothing", FailureKind.UNSAFE, "The run keeps nothing that could be put back.")
    RUN_NEWEST_UNREADABLE = (
        "run.newest_unreadable",
        FailureKind.UNSAFE,
        "The record of the newest run cannot be read, so nobody knows what that run keeps.",
    )
    RUN_NONE = ("run.none", FailureKind.UNSAFE, "There is no run to take back or to explain.")
    RUN_NOT_SETTLED = (
        "run.not_settled",
        FailureKind.UNSAFE,
        "An interrupted run of another procedure must be settled first.",
    )
    RUN_OTHER_FOLDER = (
        "run.other_folder",
        FailureKind.UNSAFE,
        "The run kept files of another project folder, which still exists.",
    )
    RUN_RECORD_MISSING = (
        "run.record_missing",
        FailureKind.UNSAFE,
        "Kept copies of a run exist, but its record does not.",
    )
    RUN_UNKNOWN = ("run.unknown", FailureKind.USAGE, "The stack has no run of this id.")
    RUN_UNREADABLE = ("run.unreadable", FailureKind.FAILED, "The record of a run cannot be read.")
    SCHEMA_COLUMNS_MISSING = (
        "schema.columns_missing",
        FailureKind.UNSAFE,
        "The database lacks columns or tables that the application needs, and no migration adds them.",
    )
    SCHEMA_MULTIPLE_HEADS = ("schema.multiple_heads", FailureKind.UNSAFE, "The migrations end in several heads.")
    SCHEMA_NOT_AT_TARGET = (
        "schema.not_at_target",
        FailureKind.VERIFICATION,
        "The database is not at the wanted revision after the upgrade.",
    )
    SCHEMA_NOT_STAMPED = ("schema.not_stamped", FailureKind.UNSAFE, "The database has tables, but no revision.")
    SCHEMA_OVERLAPPING = (
        "schema.overlapping",
        FailureKind.UNSAFE,
        "The version table has a revision beside one that builds on it.",
    )
    SCHEMA_TABLES_MISSING = (
        "schema.tables_missing",
        FailureKind.UNSAFE,
        "The database is at the heads, but lacks tables of the models.",
    )
    SCHEMA_UNKNOWN_REVISION = (
        "schema.unknown_revision",
        FailureKind.UNSAFE,
        "The database is at a revision that this checkout does not have.",
    )
    SEED_COMMAND_FAILED = ("seed_command.failed", FailureKind.FAILED, "A seed command failed.")
    SEED_COMMAND_INVALID = ("seed_command.invalid", FailureKind.FAILED, "An entry of stack_seed_commands is wrong.")
    SEED_COMMAND_WRONG_ROWS = (
        "seed_command.wrong_rows",
        FailureKind.VERIFICATION,
        "A seed command did not leave the rows that are expected.",
    )
    SERVICE_EXCLUDED = ("service.excluded", FailureKind.USAGE, "A named service is excluded or not enabled.")
    SERVICE_NOT_READY = ("service.not_ready", FailureKind.FAILED, "A service did not become ready.")
    SERVICE_NOT_RUNNING = ("service.not_running", FailureKind.FAILED, "A service does not run.")
    SERVICE_UNKNOWN = ("service.unknown", FailureKind.USAGE, "The project has no service of this name.")
    SESSION_CONNECTION = ("session.connection", FailureKind.FAILED, "A session cannot use the connection plugin.")
    SESSION_NO_CONTAINER = ("session.no_container", FailureKind.FAILED, "No service of the stack has a container.")
    SESSION_NOT_ONE_SERVICE = ("session.not_one_service", FailureKind.USAGE, "A shell needs the name of a service.")
    SESSION_NOT_ONE_STACK = ("session.not_one_stack", FailureKind.USAGE, "A session needs exactly one stack.")
    SESSION_NOT_STARTED = ("session.not_started", FailureKind.FAILED, "The program of a session could not be started.")
    SOURCE_NOT_FOUND = ("source.not_found", FailureKind.USAGE, "No file matches a pattern of sources.")
    SOURCE_SYNTAX_ERROR = ("source.syntax_error", FailureKind.UNSAFE, "A Python file does not compile.")
    STACK_UNDECIDED = ("stack.undecided", FailureKind.USAGE, "Discovery cannot decide something about the stack.")
    STATE_MISSING = ("state.missing", FailureKind.FAILED, "The state folder of the stack was deleted during a run.")
    STATE_NO_ACCESS = ("state.no_access", FailureKind.UNSAFE, "This user may not use the state folder of the stack.")
    STATE_NOT_PERSISTENT = (
        "state.not_persistent",
        FailureKind.UNSAFE,
        "The state folder would not outlive the container in which the modules run.",
    )
    STATE_NOT_WRITTEN = (
        "state.not_written",
        FailureKind.FAILED,
        "A file in the state folder of the stack cannot be written.",
    )
    TASK_CENSORED = ("task.censored", FailureKind.FAILED, "A task failed, and its result may hold secrets.")
    TASK_CRASHED = ("task.crashed", FailureKind.FAILED, "A module crashed: this is a bug, or its Python is broken.")
    TASK_FAILED = ("task.failed", FailureKind.FAILED, "A task of Ansible or of another collection failed.")
    TEMPORARY_OBJECT_NOT_DELETED = (
        "temporary_object.not_deleted",
        FailureKind.FAILED,
        "A temporary object of a run cannot be deleted.",
    )
    TRANSFER_FAILED = (
        "transfer.failed",
        FailureKind.FAILED,
        "A command that moves data between the controller and a host failed.",
    )
    TRANSFER_INCOMPLETE = (
        "transfer.incomplete",
        FailureKind.FAILED,
        "Data that was sent between the controller and a host arrived incomplete or changed.",
    )
    VARIABLE_INVALID = ("variable.invalid", FailureKind.USAGE, "A variable cannot be handed to Ansible as data.")
    VARIABLES_FILE_MISSING = ("variables_file.missing", FailureKind.USAGE, "A file of variables does not exist.")
    VARIABLES_FILE_UNREADABLE = ("variables_file.unreadable", FailureKind.USAGE, "A file of variables cannot be read.")
    VERIFY_FAILED = (
        "verify.failed",
        FailureKind.VERIFICATION,
        "The stack does not work as it should after the procedure.",
    )
    VOLUME_IN_USE = ("volume.in_use", FailureKind.UNSAFE, "A running container uses a volume or a folder.")
    VOLUME_NAME_IN_USE = (
        "volume.name_in_use",
        FailureKind.USAGE,
        "The new name for a volume or a folder is in use already.",
    )
    VOLUME_NO_DATA = ("volume.no_data", FailureKind.FAILED, "The services mount no data.")
    VOLUME_NOT_FOUND = ("volume.not_found", FailureKind.FAILED, "A volume or a folder does not exist.")
    VOLUME_OCCUPIED = (
        "volume.occupied",
        FailureKind.UNSAFE,
        "A volume or a folder is not empty, and holds something else.",
    )
    VOLUME_UNCLEAN_CLUSTER = (
        "volume.unclean_cluster",
        FailureKind.UNSAFE,
        "The PostgreSQL server of the files was not shut down.",
    )
    VOLUME_UNSUPPORTED_NAME = (
        "volume.unsupported_name",
        FailureKind.FAILED,
        "Docker cannot mount a volume or a folder of this name.",
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
