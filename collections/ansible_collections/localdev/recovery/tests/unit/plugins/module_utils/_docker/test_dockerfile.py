# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import find_image_paths

REFERENCE = """\
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE}
RUN useradd --uid 1000 app
WORKDIR /app

# The requirements come before the source.
COPY requirements.txt .
RUN --mount=type=cache,target=/var/cache/pip \\
    pip install --requirement requirements.txt
COPY . .
USER app
"""


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        (REFERENCE, "app/main.py", ["/app/app/main.py"]),
        (REFERENCE, "requirements.txt", ["/app/requirements.txt"]),
        ("FROM x\nWORKDIR /frontend\nCOPY server.py .\nCOPY site site", "server.py", ["/frontend/server.py"]),
        ("FROM x\nWORKDIR /frontend\nCOPY server.py .\nCOPY site site", "site/a/b.html", ["/frontend/site/a/b.html"]),
        ("FROM x\nWORKDIR /frontend\nCOPY server.py .\nCOPY site site", "other.py", []),
        ("FROM x\nCOPY main.py /srv/start.py", "main.py", ["/srv/start.py"]),
        ("FROM x\nCOPY a.py b.py /srv/", "b.py", ["/srv/b.py"]),
        ('FROM x\nCOPY ["a b.py", "/srv/"]', "a b.py", ["/srv/a b.py"]),
        ("FROM x\nCOPY --chown=app:app --chmod=644 src/ /srv/", "src/x.py", ["/srv/x.py"]),
        ("FROM x\nCOPY *.py /srv/", "x.py", ["/srv/x.py"]),
        ("FROM x\nCOPY *.py /srv/", "src/x.py", []),
        ("FROM x\nCOPY app/*.py /srv/", "app/x.py", ["/srv/x.py"]),
        ("FROM x\nCOPY pack* /srv/", "package/x.py", ["/srv/x.py"]),
        ("FROM x\nADD app /one\nCOPY app /two", "app/x.py", ["/one/x.py", "/two/x.py"]),
        ("FROM x\nENV HOME_DIR=/srv\nWORKDIR $HOME_DIR/app\nCOPY . ${HOME_DIR}/app", "x.py", ["/srv/app/x.py"]),
        ("FROM x\nCOPY . ${WHERE:-/srv}", "x.py", ["/srv/x.py"]),
        ("FROM x\nCOPY . $WHERE", "x.py", []),
        ("ARG TO=/srv\nFROM x\nARG TO\nCOPY . $TO", "x.py", ["/srv/x.py"]),
        ("FROM x\nWORKDIR /a\nWORKDIR b\nCOPY . .", "x.py", ["/a/b/x.py"]),
        ("FROM x AS build\nCOPY . /src\nFROM y\nCOPY --from=build /src/dist /srv", "x.js", []),
        ("FROM x AS base\nWORKDIR /app\nCOPY . .\nFROM base\nCMD run", "x.py", ["/app/x.py"]),
        ("FROM x\nCOPY . \\\n  # why\n  /srv/", "x.py", ["/srv/x.py"]),
        ("FROM x\nRUN cp . /nowhere", "x.py", []),
        ("", "x.py", []),
    ],
)  # fmt: skip
def test_where_a_file_lands(text: str, path: str, found: list[str]) -> None:
    assert find_image_paths(text, path) == found


def test_the_stage_that_is_built() -> None:
    text = "FROM x AS dev\nCOPY . /dev/\nFROM x AS prod\nCOPY . /prod/"
    assert find_image_paths(text, "a.py", target="Dev") == ["/dev/a.py"]
    assert find_image_paths(text, "a.py") == ["/prod/a.py"]
    assert find_image_paths(text, "a.py", target="none") == []


def test_the_working_folder_of_the_base_image_counts_where_the_dockerfile_sets_none() -> None:
    assert find_image_paths("FROM x\nCOPY . .", "a.py", workdir="/usr/src") == ["/usr/src/a.py"]
    assert find_image_paths("FROM x\nCOPY . .", "a.py") == ["/a.py"]
