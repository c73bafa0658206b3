# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Start the Python of an application inside its container, behind its entry point where that only prepares."""

from __future__ import annotations

import re

# Sets $python. The alembic command's first line names the Python that has the application's packages.
FIND_PYTHON = (
    'python=$(sed -n "1s/^#! *//p" "$(command -v alembic 2>/dev/null)" 2>/dev/null); '
    'case "$python" in *python*) ;; *) python=; '
    'for one in python3 python .venv/bin/python "$VIRTUAL_ENV/bin/python" "$UV_PROJECT_ENVIRONMENT/bin/python" '
    "../.venv/bin/python venv/bin/python /opt/venv/bin/python /venv/bin/python /app/.venv/bin/python "
    "/usr/local/bin/python3 /opt/*/bin/python3; do "
    'python=$(command -v "$one" 2>/dev/null) && [ -n "$python" ] && break; done;; esac; '
)
# Without quotes: a first line may be "/usr/bin/env python3".
LAUNCH_PYTHON = FIND_PYTHON + "exec ${python:-python3} -"
# The arguments are the entry point of the service. It is kept if it surely ends in the command that it is given, and
# neither migrates nor waits nor starts other programs: a question must change nothing and must end.
LAUNCH_PYTHON_BEHIND_ENTRYPOINT = (
    f"launch='{LAUNCH_PYTHON}'"
    """
keep=
for word in "$@"; do
  text=$word
  file=$(command -v "$word" 2>/dev/null)
  if [ -f "$file" ] && [ "$(head -c 2 "$file")" = '#!' ]; then text=$(cat "$file"); fi
  code=$(printf '%s\\n' "$text" | grep -Ev '^[[:space:]]*#')
  printf '%s\\n' "$code" | grep -Eq '(^|[;&|]|then|else)[[:space:]]*exec +"[$]@"' || continue
  if printf '%s\\n' "$code" | grep -Eqi \\
    'alembic|migrat|upgrade|create_all|seed|flask|python|manage|prestart|init.?db|[.](sh|py)|until |while |wait| &$'
  then keep=; break; fi
  keep=1
done
if [ -n "$keep" ]; then exec "$@" sh -c "$launch"; fi
eval "$launch"
"""
)
# Paths of Python in images without a shell.
DIRECT_PYTHONS = (
    *("python3", "python", "/usr/bin/python3"),
    *("/opt/venv/bin/python", "/venv/bin/python", "/app/.venv/bin/python"),
)


_NO_PROGRAM = re.compile(r'exec: "[^"]+": (executable file not found|stat |no such file)')


def is_shell_missing(returncode: int, output: str) -> bool:
    """Return whether Docker could not start a program, because the image lacks it. Pure.

    output: both streams, because versions of Docker differ in the one that they use.
    """
    return returncode != 0 and bool(_NO_PROGRAM.search(output))
