# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exit code 0 when the application answers."""

from __future__ import annotations

import urllib.request

urllib.request.urlopen("http://127.0.0.1:8000/requirements.txt", timeout=2).close()
