# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program that answers a request by Alembic's own API."""

import gc
import json
import os
import socket
import sys
import time
import traceback

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.connections import redirect_connections
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.project import read_text
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import (
    ADVISORY_LOCK_KEY,
    RESPONSE_MARK,
    RequestRefused,
    RevisionChanged,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.sections import (
    load_sections,
    merge_answers,
)


def run_env_py(config, script, function, **options):
    from alembic.runtime.environment import EnvironmentContext

    called = []

    def record_call(heads, context):
        called.append(True)
        return function(heads, context)

    with EnvironmentContext(config, script, fn=record_call, **options):
        script.run_env()
    if not called:
        raise RequestRefused("env_py", "env.py did not call context.run_migrations()")


def retry_until_connected(request, attempt):
    """Call attempt until the server accepts connections: its first start may take a while."""
    deadline = time.time() + request.get("connect_timeout", 0)
    while True:
        try:
            return attempt()
        except Exception as exc:
            if time.time() > deadline or not is_connect_failure(exc):
                raise
            time.sleep(0.1)


def is_connect_failure(exc):
    from sqlalchemy.exc import OperationalError

    orig = getattr(exc, "orig", None) or exc
    code = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    # Starting up, or too many connections. psycopg gives no code for either, asyncpg does not wrap its exceptions.
    if code is not None:
        return code in ("57P03", "53300")
    if "FATAL" in str(orig):
        return any(message in str(orig) for message in ("the database system is", "too many", "remaining connection"))
    # The port refuses connections, or the name does not resolve yet.
    return isinstance(exc, (ConnectionError, socket.gaierror)) or (
        isinstance(exc, OperationalError) and "password" not in str(orig)
    )


def read_database_state(config, script, request):
    """Return the database's revisions, its version tables and, on request, its schema diff, by one run of env.py."""
    states = []

    def record_state(heads, context):
        table = [context.version_table_schema, context.version_table]
        found = {"current": sorted(heads), "version_tables": [".".join(part for part in table if part)]}
        if request.get("schema_diff"):
            found.update(compare_models(config, script, context))
        states.append((context.connection.engine.url.database, found))
        return []

    def attempt():
        del states[:]
        run_env_py(config, script, record_state, dont_mutate=True)

    retry_until_connected(request, attempt)
    return choose_state(states, request.get("live"))


def choose_state(states, live):
    """Return the state of the live database, where env.py migrates several."""
    databases = sorted({str(database) for database, _state in states})
    if len(databases) == 1:
        # Several schemas of it, each with a version table.
        merged = dict(states[-1][1])
        for key in ("current", "version_tables"):
            merged[key] = sorted({item for _database, state in states for item in state[key]})
        return merged
    wanted = [state for database, state in states if database == live]
    if not wanted:
        message = "env.py migrates several databases (%s), and none of them is %s"
        raise RequestRefused("several_databases", message % (", ".join(databases), live))
    return wanted[-1]


def compare_models(config, script, context):
    """Return what alembic check finds, also where revisions are pending, which alembic check refuses."""
    from alembic.autogenerate import RevisionContext

    names = ("message", "branch_label", "version_path", "rev_id", "depends_on")
    arguments = dict(dict.fromkeys(names), autogenerate=True, sql=False, head="head", splice=False)
    try:
        revision_context = RevisionContext(config, script, arguments)
        revision_context.run_autogenerate(script.get_heads(), context)
        # A hook of env.py may have emptied the list, as many do where there is nothing to generate.
        operations = [ops for made in revision_context.generated_revisions[-1:] for ops in made.upgrade_ops_list]
        return {"schema_diff": [item for ops in operations for diff in ops.as_diffs() for item in describe_diff(diff)]}
    except Exception as exc:
        # An error of the application's models is a finding; the rest of the response is still known.
        problem = " ".join(("%s: %s" % (type(exc).__name__, exc)).split())[:500]
        return {"schema_diff": None, "schema_diff_problem": problem}


def describe_diff(diff):
    """Return what one of Alembic's diffs changes: {"change": "add_column", "object": "people.nickname"}."""
    if isinstance(diff, list):
        return [item for one in diff for item in describe_diff(one)]
    what, rest = diff[0], diff[1:]
    if what in ("add_column", "remove_column"):
        parts = [rest[0], rest[1], rest[2].name]
    elif what.startswith("modify_"):
        parts = rest[:3]
    elif what.endswith(("_table", "_table_comment")):
        parts = [rest[0].schema, rest[0].name]
    elif getattr(rest[0] if rest else None, "table", None) is not None:
        thing = rest[0]
        columns = ", ".join(column.name for column in thing.columns)
        parts = [thing.table.schema, thing.table.name + ("" if thing.name else "(" + columns + ")"), thing.name]
    else:
        parts = [" ".join(str(part) for part in rest)[:80]]
    return [{"change": what, "object": ".".join(str(part) for part in parts if part)}]


def is_known_revision(script, revision):
    from alembic.script.revision import RevisionError
    from alembic.util import CommandError

    try:
        found = script.get_revision(revision)
        # get_revision also takes an abbreviation, which in a database is a truncated revision.
        return found is not None and found.revision == revision
    except (CommandError, RevisionError):
        return False


def list_upgrade_steps(script, current, target):
    """Return Alembic's steps of an upgrade, in order. Raise RequestRefused if there is no way to the target."""
    from alembic.script.revision import RevisionError
    from alembic.util import CommandError

    unknown = [revision for revision in current if not is_known_revision(script, revision)]
    if unknown:
        raise RequestRefused("unknown_revision", "the database is at unknown revisions", unknown=unknown)
    overlap = find_overlapping_revisions(script, current)
    if overlap:
        message = "the database is at %s, but %s is part of what another one builds on, so Alembic cannot upgrade it"
        raise RequestRefused("overlapping", message % (", ".join(sorted(current)), ", ".join(overlap)))
    heads = sorted(script.get_heads())
    if target == "head" and len(heads) > 1:
        raise RequestRefused("multiple_heads", "the migrations end in several heads: " + ", ".join(heads))
    try:
        return script._upgrade_revs(target, tuple(current))
    except (CommandError, RevisionError) as exc:
        # The cause also says which revisions an abbreviation may mean.
        raise RequestRefused("no_path", "no upgrade to %s: %s" % (target, exc.__cause__ or exc)) from None


def list_revisions(script):
    """Return each revision once. script.walk_revisions() is slow where there are many merges."""
    found = {}
    todo = list(script.get_heads())
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = script.get_revision(name)
            todo.extend(found[name]._all_down_revisions)
    return [found[name] for name in sorted(found)]


def find_overlapping_revisions(script, current):
    """Return the revisions that another one builds on: a dump loaded over a schema leaves such rows, Alembic never."""
    below = set()
    todo = list(current) if len(current) > 1 else []
    while todo:
        for parent in script.get_revision(todo.pop())._all_down_revisions:
            if parent not in below:
                below.add(parent)
                todo.append(parent)
    return [revision for revision in current if revision in below]


def answer_info(config, script, request):
    """Answer alembic_info. A request for the graph alone skips env.py, which may import much."""
    state = (
        {"current": sorted(request.get("current") or []), "version_tables": []}
        if request.get("graph_only")
        else read_database_state(config, script, request)
    )
    revisions = list_revisions(script)
    unknown = [revision for revision in state["current"] if not is_known_revision(script, revision)]
    overlap = find_overlapping_revisions(script, [revision for revision in state["current"] if revision not in unknown])
    answer = dict(
        state,
        heads=sorted(script.get_heads()),
        unknown=unknown,
        overlapping=overlap,
        pending=None,
        branches=[rev.revision for rev in revisions if rev.is_branch_point],
        merges=[rev.revision for rev in revisions if rev.is_merge_point],
        labels={label: rev.revision for rev in revisions for label in rev._orig_branch_labels},
    )
    if not unknown and not overlap:
        answer["pending"] = [step.revision.revision for step in list_upgrade_steps(script, state["current"], "heads")]
    if request.get("graph"):
        answer["revisions"] = [describe_revision(rev) for rev in revisions]
    return answer


def describe_revision(rev):
    down = rev.down_revision or ()
    return {
        "revision": rev.revision,
        "down_revisions": [down] if isinstance(down, str) else list(down),
        "depends_on": list(rev._resolved_dependencies),
        "branch_labels": sorted(rev._orig_branch_labels),
        "message": rev.doc,
    }


def take_advisory_lock(context, timeout):
    """Take the advisory lock on the migration's own connection, so that both end together."""
    if context.dialect.name != "postgresql":
        raise RequestRefused("not_postgresql", "the database is " + context.dialect.name + ", not PostgreSQL")
    deadline = time.time() + timeout
    while not context.connection.exec_driver_sql("SELECT pg_try_advisory_lock(%d)" % ADVISORY_LOCK_KEY).scalar():
        if time.time() > deadline:
            raise RequestRefused("locked", "another migration has held the advisory lock for %d s" % timeout)
        time.sleep(0.1)
    release_lock_at_checkin(context)


def release_lock_at_checkin(context):
    """End the advisory lock when env.py returns its session: a pool would keep it, and with it the lock."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    session = context.connection.connection
    # SQLAlchemy before 1.4.24 has the shorter name.
    locked = getattr(session, "dbapi_connection", None) or session.connection

    def release(connection, _record):
        if connection is not locked:
            return
        cursor = connection.cursor()
        try:
            cursor.execute("SELECT pg_advisory_unlock(%d)" % ADVISORY_LOCK_KEY)
        finally:
            cursor.close()
            connection.rollback()

    event.listen(Pool, "checkin", release)


def answer_plan(config, script, request):
    """Answer what an upgrade would apply. from_base: to an empty database, without a connection to the existing one."""
    known = [] if request.get("from_base") else request.get("current") if request.get("graph_only") else None
    current = read_database_state(config, script, request)["current"] if known is None else sorted(known)
    steps = list_upgrade_steps(script, current, request.get("target", "heads"))
    applied = [step.revision.revision for step in steps]
    return {"heads": sorted(script.get_heads()), "before": current, "applied": applied, "current": current}


def answer_upgrade(config, script, request):
    target = request.get("target", "heads")
    state = {"applied": [], "at": None, "before": []}

    def track_step(step):
        original = step.migration_fn

        def migrate(*args, **kwargs):
            state["at"] = step.revision.revision
            return original(*args, **kwargs)

        step.migration_fn = migrate
        return step

    def steps(heads, context):
        take_advisory_lock(context, request.get("lock_timeout", 60))
        if tuple(sorted(context.get_current_heads())) != tuple(sorted(heads)):
            raise RevisionChanged()
        found = list_upgrade_steps(script, heads, target)
        state.update(before=sorted(heads), applied=[step.revision.revision for step in found])
        return [track_step(step) for step in found]

    while True:
        try:
            retry_until_connected(request, lambda: run_env_py(config, script, steps, destination_rev=target))
        except RevisionChanged:
            continue
        except Exception as exc:
            if state["at"] and not isinstance(exc, RequestRefused):
                cause = str(getattr(exc, "orig", None) or exc).strip().splitlines() or [type(exc).__name__]
                message = "migration %s failed: %s" % (state["at"], " ".join(cause[:3]))
                raise RequestRefused("migration_failed", message) from None
            raise
        break
    heads, current = (
        sorted(script.get_heads()),
        read_database_state(config, script, {"live": request.get("live")})["current"],
    )
    return {"heads": heads, "before": state["before"], "applied": state["applied"], "current": current}


def lacks_x_arguments(script, request):
    """Return whether env.py reads -x arguments and none were given."""
    if script is None or request.get("x_arguments"):
        return False
    return "get_x_argument" in read_text(os.path.join(script.dir, "env.py"))


def describe_error(kind, message):
    """Return the response for the exception that is being handled. kind, error: as in RequestRefused."""
    return {"kind": kind, "error": message, "trace": traceback.format_exc()}


def main(request):
    # env.py may replace sys.stdout.
    stdout, path, script = sys.stdout, "", None
    # Write no compiled files: the folder may be mounted from the host.
    sys.dont_write_bytecode = True
    if request["do"] != "upgrade":
        # Garbage collection takes a tenth of the time where there are many revisions, and finds nothing in the graph.
        gc.disable()
    try:
        if request.get("database") or request.get("poolers") or len(request.get("section") or ()) > 1:
            redirect_connections(request)
        handler = {"info": answer_info, "plan": answer_plan, "upgrade": answer_upgrade}[request["do"]]
        answers = []
        for part, config, script, found_path, folder in load_sections(request):
            path = found_path
            os.chdir(folder)
            answers.append(handler(config, script, part))
        answer = merge_answers(request, answers)
    except RequestRefused as exc:
        answer = exc.data
    except SystemExit as exc:
        kind = "x_arguments" if lacks_x_arguments(script, request) else "env_py"
        answer = describe_error(kind, "env.py, or what it imports, ended the program: %s" % exc)
    except ImportError as exc:
        answer = describe_error("failed", "%s (imported by Alembic or by env.py)" % exc)
    except Exception as exc:
        message = type(exc).__name__ + ": " + str(getattr(exc, "orig", None) or exc).strip()
        answer = describe_error("x_arguments" if lacks_x_arguments(script, request) else "failed", message)
    answer.update(config=path, python=sys.executable)
    gc.enable()
    stdout.write("\n" + RESPONSE_MARK + json.dumps(answer) + "\n")
    stdout.flush()


def exit_now():
    """End without finalizing: unloading thousands of migration modules takes a tenth of the time of loading them."""
    os._exit(0)
