# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the Python interpreter of an application inside its container."""

from __future__ import annotations

# The alembic command's first line names the Python that has the application's packages.
FIND_PYTHON = (
    'python=$(sed -n "1s/^#! *//p" "$(command -v alembic 2>/dev/null)" 2>/dev/null); '
    'case "$python" in *python*) ;; *) python=$(command -v python3 || command -v python);; esac; '
)
