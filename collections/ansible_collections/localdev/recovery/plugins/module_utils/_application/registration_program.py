# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Evaluate, in the application's own Python, the expression that yields the registered names.

It is sent there as text, so it imports nothing of this collection and stays with old syntax.
"""

import ast
import contextlib
import json
import sys
import traceback

REGISTRATION_RESPONSE_MARK = "@registered "


def evaluate_check(code):
    """Return the names that the last line, an expression, yields, after executing the lines before it."""
    tree = ast.parse(code.strip(), "<check>")
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        raise ValueError("the last line of the check is no expression")
    last = ast.Expression(tree.body.pop().value)
    scope = {"__name__": "registration_check"}
    exec(compile(tree, "<check>", "exec"), scope)
    found = eval(compile(last, "<check>", "eval"), scope)
    if isinstance(found, (str, bytes)):
        raise TypeError("the check yields one text instead of names")
    return [str(name) for name in found]


def build_response(code):
    """Return names, or error (the last line of the traceback) and where (file and line)."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return {"names": evaluate_check(code)}
    except BaseException as exc:
        if isinstance(exc, SyntaxError):
            where = "{}, line {}".format(exc.filename, exc.lineno)
        else:
            own = ("<stdin>", build_response.__code__.co_filename)
            frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename not in own]
            where = "{}, line {}".format(frames[-1].filename, frames[-1].lineno) if frames else ""
        return {"error": traceback.format_exception_only(type(exc), exc)[-1].strip(), "where": where}


def main(code):
    sys.stdout.write("\n" + REGISTRATION_RESPONSE_MARK + json.dumps(build_response(code)) + "\n")
    sys.stdout.flush()
