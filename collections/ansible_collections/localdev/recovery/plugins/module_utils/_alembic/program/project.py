# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program that loads Alembic's configuration the way the project itself does."""

import argparse
import configparser
import os
import re
import shlex
import sys

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import RequestRefused

SKIPPED_FOLDERS = ("node_modules", "venv", "site-packages")


def find_config(folder):
    """Return the path of alembic.ini, or of a pyproject.toml with [tool.alembic]; the nearest to the folder first."""
    named = os.environ.get("ALEMBIC_CONFIG")
    if named:
        return named
    for root, files in walk_levels(folder):
        if "alembic.ini" in files:
            return os.path.join(root, "alembic.ini")
        if "pyproject.toml" in files and configures_alembic(os.path.join(root, "pyproject.toml")):
            return os.path.join(root, "pyproject.toml")
    return ""


def read_text(path):
    """Return the text of a file; '' if it cannot be read."""
    try:
        with open(path) as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError):
        return ""


def configures_alembic(path):
    return "[tool.alembic]" in read_text(path)


def find_scripts(folder):
    """Return the nearest folder with env.py and versions, as the commands of frameworks keep them; '' if none."""
    for root, files in walk_levels(folder):
        if "env.py" in files and os.path.isdir(os.path.join(root, "versions")):
            return root
    return ""


def walk_levels(folder):
    """Yield (folder, names of its files), those of a level before the next one."""
    for depth in range(4):
        for root, folders, files in os.walk(folder):
            level = 0 if root == folder else os.path.relpath(root, folder).count(os.sep) + 1
            folders[:] = sorted(f for f in folders if f[0] != "." and f not in SKIPPED_FOLDERS)
            if level >= depth:
                del folders[:]
            if level == depth:
                yield root, files


def load_project(request):
    """Return (Alembic's configuration, its scripts, the path of the configuration). Change to the project's folder."""
    from alembic.script import ScriptDirectory

    graph = request.get("graph_only") or request.get("from_base")
    start = os.path.abspath(request.get("folder") or os.getcwd())
    if not os.path.isdir(start):
        raise RequestRefused("no_config", "the working folder " + start + " does not exist")
    os.chdir(start)
    sys.path.insert(0, start)
    path = request.get("config") or find_config(start)
    if not path:
        scripts = find_scripts(start)
        if not scripts:
            raise RequestRefused("no_config", "no alembic.ini, no [tool.alembic] and no migrations below " + start)
        if graph:
            return load_scripts(scripts, request, scripts)
        if uses_flask(scripts):
            return load_flask_project(scripts, request)
        message = "%s has migrations, but no alembic.ini: the project runs Alembic by a command of its own"
        raise RequestRefused("own_command", message % scripts)
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise RequestRefused("no_config", "the Alembic configuration " + path + " does not exist")
    request = dict(request, section=choose_section(path, request.get("section")))
    if not path.endswith(".toml") and not read_script_location(path, request):
        folder = os.path.dirname(path)
        if uses_flask(folder):
            # Loading the application may change the database.
            return load_scripts(folder, request, path) if graph else load_flask_project(folder, request)
        sibling = os.path.join(folder, "pyproject.toml")
        if not configures_alembic(sibling):
            refuse_missing_location(path)
        os.chdir(folder)
        config = build_config(path, request, sibling)
        return config, ScriptDirectory.from_config(config), path
    # script_location and prepend_sys_path are mostly relative to the folder of the configuration.
    os.chdir(choose_working_folder(path, start, request))
    config = build_config(path, request)
    return config, ScriptDirectory.from_config(config), path


def load_scripts(folder, request, path):
    """Return what load_project returns for the graph of the migrations in a folder alone."""
    from alembic.script import ScriptDirectory

    config = build_config(None, request)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config, ScriptDirectory.from_config(config), path


def build_config(path, request, toml_path=""):
    from alembic.config import Config

    arguments = argparse.Namespace(x=list(request.get("x_arguments") or ()) or None)
    options = {"cmd_opts": arguments}
    if request.get("section"):
        options["ini_section"] = request["section"]
    if path and path.endswith(".toml"):
        return Config(toml_file=path, **options)
    if toml_path:
        return Config(path, toml_file=toml_path, **options)
    return Config(path, **options)


def read_sections(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.read(path)
    return parser


def read_script_location(path, request):
    parser, section = read_sections(path), request.get("section") or "alembic"
    if request.get("section") and not parser.has_section(section):
        found = ", ".join(list_alembic_sections(parser)) or "none"
        raise RequestRefused("no_section", "%s has no section %s; it has: %s" % (path, section, found))
    return parser.get(section, "script_location", fallback="")


def choose_section(path, section):
    """Return the section, or the only one that names migrations where [alembic] does not."""
    if section or path.endswith(".toml"):
        return section
    sections = list_alembic_sections(read_sections(path))
    return sections[0] if len(sections) == 1 and sections != ["alembic"] else ""


def list_alembic_sections(parser):
    return [name for name in parser.sections() if parser.has_option(name, "script_location")]


def refuse_missing_location(path):
    sections = list_alembic_sections(read_sections(path))
    if sections:
        message = "%s has migrations in several sections and none in [alembic]: %s"
        raise RequestRefused("several_sections", message % (path, ", ".join(sections)))
    raise RequestRefused("no_config", "the Alembic configuration " + path + " has no script_location")


def choose_working_folder(path, start, request):
    """Return the folder of the configuration, or the start where only that has the scripts.

    People with ``script_location = backend/migrations`` in backend/alembic.ini run ``alembic -c backend/alembic.ini``.
    """
    folder = os.path.dirname(path)
    location = "" if path.endswith(".toml") else read_script_location(path, request)
    location = location.replace("%(here)s", folder)
    if ":" in location or os.path.isabs(location):
        return folder
    if os.path.isdir(os.path.join(folder, location)) or not os.path.isdir(os.path.join(start, location)):
        return folder
    return start


# --- Flask-Migrate: its env.py takes the configuration and the engine from the application ---


def uses_flask(folder):
    text = read_text(os.path.join(folder, "env.py"))
    return "current_app" in text and "flask" in text


def load_flask_project(folder, request):
    """Do what ``flask db`` does: load the application, and stay in its context."""
    from alembic.script import ScriptDirectory

    try:
        from flask.cli import ScriptInfo, load_dotenv
    except ImportError as exc:
        raise RequestRefused("flask", "the migrations in %s need Flask: %s" % (folder, exc)) from None

    load_dotenv()
    name = os.environ.get("FLASK_APP") or find_flask_application(request.get("process_arguments") or [])
    try:
        application = ScriptInfo(app_import_path=name or None).load_app()
    except Exception as exc:
        message = "Flask cannot load the application%s: %s" % (" " + name if name else "", exc)
        raise RequestRefused("flask", message) from None
    # It stays open until the program ends.
    application.app_context().push()
    if "migrate" not in application.extensions:
        raise RequestRefused("flask", "the Flask application has no Flask-Migrate")
    migrate = application.extensions["migrate"].migrate
    config = migrate.get_config(folder, x_arg=list(request.get("x_arguments") or ()) or None)
    return config, ScriptDirectory.from_config(config), os.path.join(folder, "alembic.ini")


def find_flask_application(arguments):
    """Return the application that a process serves: ``flask --app shop run``, ``gunicorn 'shop:create_app()'``."""
    words = list(arguments)
    if len(words) > 2 and os.path.basename(words[0]) in ("sh", "bash", "dash", "ash") and words[1].endswith("c"):
        try:
            words = shlex.split(words[2])
        except ValueError:
            return ""
    for index, word in enumerate(words):
        if word in ("--app", "-A") and index + 1 < len(words):
            return words[index + 1]
        if word.startswith("--app="):
            return word.partition("=")[2]
    servers = ("gunicorn", "uwsgi", "waitress-serve", "hypercorn", "granian")
    if any(os.path.basename(word) in servers for word in words):
        return next((word for word in words if re.match(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?$", word)), "")
    return ""
