# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that is sent to where the application runs, to ask Alembic's own API there.

It is executed by the application's Python, of whatever version, so it imports nothing of this collection and
stays with old syntax. Its answer is one marked line of JSON: env.py files may print what they like beside it.
"""

import json
import os
import sys
import time
import traceback

MARK = "@localdev.recovery@"
# Migrations of one database exclude each other under this PostgreSQL advisory lock (the first 8 bytes of the
# SHA-256 of "localdev.recovery", as a signed number).
LOCK_KEY = 8075261679134375812


class Changed(Exception):
    """Somebody else migrated between reading the revision and getting the lock."""


class Refused(Exception):
    """A complaint in words."""


def find_config(folder):
    """Path of alembic.ini, or of a pyproject.toml with [tool.alembic]; nearest to the folder first."""
    named = os.environ.get("ALEMBIC_CONFIG")
    if named:
        return named
    for depth in range(3):
        for root, folders, files in os.walk(folder):
            level = 0 if root == folder else os.path.relpath(root, folder).count(os.sep) + 1
            folders[:] = sorted(
                f for f in folders if f[0] != "." and f not in ("node_modules", "venv", "site-packages")
            )
            if level >= depth:
                del folders[:]
            if level == depth:
                if "alembic.ini" in files:
                    return os.path.join(root, "alembic.ini")
                if "pyproject.toml" in files:
                    with open(os.path.join(root, "pyproject.toml")) as handle:
                        if "[tool.alembic]" in handle.read():
                            return os.path.join(root, "pyproject.toml")
    raise Refused("no alembic.ini and no [tool.alembic] below " + folder)


def load(request):
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    path = os.path.abspath(request.get("config") or find_config(os.getcwd()))
    if not os.path.isfile(path):
        raise Refused("the Alembic configuration " + path + " does not exist")
    # script_location and prepend_sys_path are relative to where people run alembic: beside its configuration.
    os.chdir(os.path.dirname(path))
    config = Config(toml_file=path) if path.endswith(".toml") else Config(path)
    return config, ScriptDirectory.from_config(config), path


def run_env(config, script, function, **options):
    from alembic.runtime.environment import EnvironmentContext

    with EnvironmentContext(config, script, fn=function, **options):
        script.run_env()


def connected(request, attempt):
    """Call attempt until the server accepts connections: its first start may still be under way."""
    from sqlalchemy.exc import OperationalError

    deadline = time.time() + request.get("connect_timeout", 0)
    while True:
        try:
            return attempt()
        except OperationalError as exc:
            if time.time() > deadline or not is_connect_failure(exc):
                raise
            time.sleep(0.1)


def is_connect_failure(exc):
    code = getattr(exc.orig, "sqlstate", None) or getattr(exc.orig, "pgcode", None)
    # 57P03: starting up. No code at all: nobody listens, or the name does not resolve yet.
    return code == "57P03" or (code is None and "password" not in str(exc.orig))


def current_heads(config, script, request):
    found = []

    def look(heads, context):
        found[:] = list(heads)
        return []

    connected(request, lambda: run_env(config, script, look, dont_mutate=True))
    return sorted(found)


def known(script, revision):
    from alembic.script.revision import RevisionError
    from alembic.util import CommandError

    try:
        found = script.get_revision(revision)
        # It also takes the beginning of a revision, which in a database is a truncated one.
        return found is not None and found.revision == revision
    except (CommandError, RevisionError):
        return False


def pending(script, current, target):
    """Revisions that an upgrade would apply, in order."""
    return [step.revision.revision for step in script._upgrade_revs(target, tuple(current))]


def info(config, script, request):
    heads = sorted(script.get_heads())
    current = [] if request.get("from_base") else current_heads(config, script, request)
    unknown = [revision for revision in current if not known(script, revision)]
    answer = {"heads": heads, "current": current, "unknown": unknown, "pending": None}
    if not unknown:
        answer["pending"] = pending(script, current, request.get("target", "heads"))
    return answer


def lock(context, timeout):
    """Take the advisory lock on the migration's own connection, so that it ends with it."""
    from sqlalchemy import text

    if context.dialect.name != "postgresql":
        raise Refused("the database is " + context.dialect.name + ", not PostgreSQL")
    deadline = time.time() + timeout
    while not context.connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar():
        if time.time() > deadline:
            raise Refused("another migration holds the advisory lock of this database for %d s now" % timeout)
        time.sleep(0.1)


def unlock(context):
    from sqlalchemy import text

    context.connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})


def upgrade(config, script, request):
    target = request.get("target", "heads")
    state = {"applied": [], "at": None, "before": []}

    def tracked(step):
        original = step.migration_fn

        def migrate(*args, **kwargs):
            state["at"] = step.revision.revision
            return original(*args, **kwargs)

        step.migration_fn = migrate
        return step

    def plan(heads, context):
        lock(context, request.get("lock_timeout", 60))
        if tuple(sorted(context.get_current_heads())) != tuple(sorted(heads)):
            # env.py's pool may keep this session, and with it the lock, beyond the next attempt's connection.
            unlock(context)
            raise Changed()
        unknown = [revision for revision in heads if not known(script, revision)]
        if unknown:
            raise Refused("the database is at " + ", ".join(unknown) + ", which is not among the migrations here")
        steps = script._upgrade_revs(target, heads)
        state["before"] = sorted(heads)
        state["applied"] = [step.revision.revision for step in steps]
        return [tracked(step) for step in steps]

    while True:
        try:
            connected(request, lambda: run_env(config, script, plan, destination_rev=target))
        except Changed:
            continue
        except Refused:
            raise
        except Exception as exc:
            if state["at"]:
                cause = str(getattr(exc, "orig", None) or exc).strip().splitlines() or [type(exc).__name__]
                raise Refused("migration %s failed: %s" % (state["at"], " ".join(cause[:3]))) from None
            raise
        break
    return {
        "heads": sorted(script.get_heads()),
        "before": state["before"],
        "applied": state["applied"],
        "current": current_heads(config, script, {}),
    }


def main(request):
    sys.path.insert(0, os.getcwd())
    try:
        config, script, path = load(request)
        answer = {"info": info, "upgrade": upgrade}[request["do"]](config, script, request)
        answer["config"] = path
    except Refused as exc:
        answer = {"error": str(exc)}
    except ImportError as exc:
        answer = {"error": "%s (imported by Alembic or by env.py)" % exc, "trace": traceback.format_exc()}
    except Exception as exc:
        text = str(getattr(exc, "orig", None) or exc).strip()
        answer = {"error": "%s: %s" % (type(exc).__name__, text), "trace": traceback.format_exc()}
    sys.stdout.write("\n" + MARK + json.dumps(answer) + "\n")
