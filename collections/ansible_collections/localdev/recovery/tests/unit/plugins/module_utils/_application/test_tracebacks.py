# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.tracebacks import condense_tracebacks

PLAIN = """\
creating people
Traceback (most recent call last):
  File "/scripts/seed_people.py", line 63, in <module>
    main()
    ~~~~^^
  File "/scripts/seed_people.py", line 40, in main
    response.raise_for_status()
requests.exceptions.HTTPError: 500 Server Error
done nothing
"""
CHAINED = """\
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in h
    raise ValueError("y")
ValueError: y
"""
CUT = """\
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
"""


@pytest.mark.parametrize(
    ("text", "condensed"),
    [
        (
            PLAIN,
            "creating people\n"
            "requests.exceptions.HTTPError: 500 Server Error (/scripts/seed_people.py, line 40)\n"
            "done nothing",
        ),
        (CHAINED, "KeyError: 'x' (a.py, line 1)\nValueError: y (b.py, line 2)"),
        (CUT, "a.py, line 1"),
        ("two\nlines", "two\nlines"),
        ("", ""),
    ],
    ids=["plain", "chained", "cut off", "none", "empty"],
)
def test_a_traceback_is_condensed_to_its_cause_and_place(text: str, condensed: str) -> None:
    assert condense_tracebacks(text) == condensed
