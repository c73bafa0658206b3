# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerignore import DockerIgnore
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    BuildContext,
    ContextFile,
    Service,
    StackFacts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import (
    classify_context_file,
    find_config_changes,
    find_image_changes,
    has_only_plain_copies,
    list_edited_files,
    matches_image_history,
)

FactsOf = t.Callable[[str], StackFacts]
PROJECTS = sorted(path.name for path in (Path(__file__).parents[3] / "fixtures/projects").iterdir())

DOCKERFILE = """\
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE}

ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1
RUN useradd --uid 1000 --create-home app
WORKDIR /app
# The requirements come before the source.
COPY requirements.txt .
RUN --mount=type=secret,id=ca_bundle \\
    if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi; \\
    pip install --requirement requirements.txt
COPY . .
USER app
EXPOSE 8000
CMD ["sh", "-c", "alembic upgrade head && uvicorn app.main:app"]
"""
# Recorded of Docker Engine 20.10 with BuildKit; the last four lines are the base image's.
HISTORY = [
    'CMD ["sh" "-c" "alembic upgrade head && uvicorn app.main:app"]',
    "EXPOSE map[8000/tcp:{}]",
    "USER app",
    "COPY . . # buildkit",
    "RUN /bin/sh -c if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi;     "
    "pip install --requirement requirements.txt # buildkit",
    "COPY requirements.txt . # buildkit",
    "WORKDIR /app",
    "RUN /bin/sh -c useradd --uid 1000 --create-home app # buildkit",
    "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1",
    'CMD ["python3"]',
    "ENV PATH=/opt/python/bin:/bin LANG=C.UTF-8",
    "RUN /bin/sh -c apt-get update     && python3 -m venv /opt/python # buildkit",
    "",
]


# --- .dockerignore -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "ignored", "sent"),
    [
        ("tests", ["tests", "tests/unit/a.py"], ["app/tests", "tests.py"]),
        ("/tests/", ["tests/a.py"], ["app/tests/a.py"]),
        ("*.md", ["README.md"], ["docs/README.md"]),
        ("**/*.md", ["README.md", "docs/a/README.md"], ["README.mdx"]),
        ("**/__pycache__", ["__pycache__/a.pyc", "app/__pycache__/a.pyc"], ["app/pycache"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["doc"]),
        ("*.md\n!README.md", ["a.md"], ["README.md"]),
        ("docs\n!docs/keep", ["docs/a"], ["docs/keep", "docs/keep/b"]),
        ("!README.md\n*.md", ["README.md"], []),
        ("# comment\n\n  a.py  ", ["a.py"], ["# comment", "b.py"]),
        ("a[0-9]?.py", ["a1b.py"], ["ab1.py", "a1/b.py"]),
        (r"a\*b", ["a*b"], ["axb"]),
        ("./build", ["build/x"], ["app/build"]),
        ("", [], ["anything"]),
    ],
)
def test_dockerignore(rules: str, ignored: list[str], sent: list[str]) -> None:
    ignores = DockerIgnore(rules)
    assert [path for path in [*ignored, *sent] if ignores(path)] == ignored


# --- the Dockerfile ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (DOCKERFILE, True),
        ("FROM a AS build\nCOPY . .\nFROM b\nCOPY --from=build /x /x\n", False),
        ("FROM a\nCOPY $SOURCE /app\n", False),
        ("FROM a\nRUN --mount=type=bind,target=/src make -C /src\n", False),
        ("FROM a\nCOPY <<END /a\ntext\nEND\n", False),
    ],
    ids=["plain", "stages", "variable", "bind", "heredoc"],
)
def test_a_dockerfile_whose_copies_are_all_plain(text: str, plain: bool) -> None:
    assert has_only_plain_copies(text) is plain


def test_history_of_the_same_dockerfile() -> None:
    assert matches_image_history(DOCKERFILE, HISTORY) is True
    reworded = DOCKERFILE.replace("# The requirements", "# Another remark. Requirements").replace(
        "COPY . .", "COPY  . ."
    )
    assert matches_image_history(reworded, HISTORY) is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("useradd --uid 1000", "useradd --uid 2000"),
        ("USER app\n", ""),
        ("USER app\n", "USER app\nRUN true\n"),
        ("COPY . .", "COPY app app"),
        ("upgrade head", "upgrade heads"),
        ("EXPOSE 8000\n", "ENV A=1\n"),
    ],
)
def test_history_of_a_changed_dockerfile(old: str, new: str) -> None:
    assert old in DOCKERFILE
    assert matches_image_history(DOCKERFILE.replace(old, new), HISTORY) is False


@pytest.mark.parametrize(
    ("text", "history"),
    [
        ("FROM a AS b\nFROM c\nCMD x\n", HISTORY),
        (DOCKERFILE.replace("USER app", 'SHELL ["bash", "-c"]'), HISTORY),
        (DOCKERFILE, ["/bin/sh -c #(nop)  USER app", *HISTORY]),
    ],
    ids=["stages", "shell", "classic builder"],
)
def test_histories_that_prove_nothing(text: str, history: list[str]) -> None:
    assert matches_image_history(text, history) is None


# --- image and build context -------------------------------------------------------------------------------------

CREATED = 1000.0
OLD, NEW = 900.0, 1100.0
MAIN = ContextFile("app/main.py", NEW, NEW, "/app/app/main.py", "new")
REQUIREMENTS = ContextFile("requirements.txt", NEW, NEW, "/app/requirements.txt", "new")
RECIPE = ContextFile("Dockerfile", OLD, OLD)


def context(*files: ContextFile, **facts: t.Any) -> BuildContext:
    return BuildContext(
        **{
            "created": CREATED,
            "dockerfile": "Dockerfile",
            "files": files,
            "only_plain_copies": True,
            "digests": {},
            **facts,
        }
    )


def changes(*files: ContextFile, **facts: t.Any) -> list[tuple[str, str, bool]]:
    found = find_image_changes(context(*files, **facts))
    return [(change["path"], change["kind"], change["proved"]) for change in found]


def test_a_clone_changes_times_and_no_content() -> None:
    same = {file.image_path: file.digest for file in (MAIN, REQUIREMENTS)}
    recipe = ContextFile("Dockerfile", NEW, NEW)
    assert changes(MAIN, REQUIREMENTS, recipe, digests=same, history_matches=True) == []


def test_what_is_in_the_container_with_other_content_is_proved() -> None:
    assert changes(MAIN, REQUIREMENTS, digests={MAIN.image_path: "old", REQUIREMENTS.image_path: "old"}) == [
        ("requirements.txt", "dependencies", True),
        ("app/main.py", "source", True),
    ]


def test_a_new_file_is_not_in_the_container() -> None:
    assert changes(MAIN, digests={}) == [("app/main.py", "source", True)]


def test_a_time_that_was_set_back_does_not_hide_a_change() -> None:
    copied = ContextFile("app/main.py", OLD, NEW, MAIN.image_path, "new")
    assert changes(copied, digests={MAIN.image_path: "old"}) == [("app/main.py", "source", True)]


def test_what_the_build_itself_changed_does_not_outdate_the_image() -> None:
    built = ContextFile("app/version.py", OLD, OLD, "/app/app/version.py", "template")
    assert changes(built, digests={built.image_path: "filled in"}) == []


def test_without_a_container_a_newer_file_may_be_a_change() -> None:
    older = ContextFile("app/old.py", OLD, NEW, "/app/app/old.py", "x")
    assert changes(MAIN, older, digests=None) == [("app/main.py", "source", False)]


def test_a_file_that_no_copy_names_counts_only_where_copies_are_not_understood() -> None:
    elsewhere = ContextFile("docs/a.py", NEW, NEW)
    assert changes(elsewhere) == []
    assert changes(elsewhere, only_plain_copies=False) == [("docs/a.py", "source", False)]


@pytest.mark.parametrize(
    ("modified", "history_matches", "proved"),
    [(NEW, True, None), (NEW, False, True), (NEW, None, False), (OLD, None, None)],
)
def test_the_dockerfile_itself(modified: float, history_matches: bool | None, proved: bool | None) -> None:
    found = changes(ContextFile("Dockerfile", modified, NEW), history_matches=history_matches)
    assert found == ([] if proved is None else [("Dockerfile", "dockerfile", proved)])


def test_a_file_that_was_edited_in_the_container() -> None:
    edited = context(MAIN, RECIPE, digests={MAIN.image_path: "by hand"}, edited=frozenset({MAIN.image_path, "/tmp/x"}))
    assert list_edited_files(edited) == [MAIN.image_path]
    assert find_image_changes(edited) == []


@pytest.mark.parametrize(
    "name",
    ["requirements.txt", "requirements-dev.txt", "back/pyproject.toml", "uv.lock", "package-lock.json", "go.sum"],
)
def test_files_that_name_dependencies(name: str) -> None:
    assert classify_context_file(name, "Dockerfile") == "dependencies"


# --- configuration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_containers_of_this_configuration_differ_in_nothing(facts_of: FactsOf, project: str) -> None:
    facts = facts_of(project)
    described = describe_stack(facts)["services"]
    for name, service in described.items():
        assert service["drift"]["image"] == service["drift"]["edited"] == []
        for item, shown in zip(Service(name, facts).containers, service["containers"], strict=True):
            if not shown["stale_config"]:
                assert find_config_changes(Service(name, facts), item) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"environment": {"SECRET_KEY": "another-planted-secret"}}, "environment DATABASE_URL, REDIS_URL, SECRET_KEY"),
        ({"command": ["uvicorn", "other"]}, "command"),
        ({"ports": [{"target": 8000, "published": "58001", "protocol": "tcp"}]}, "ports"),
        ({"ports": []}, "ports"),
        ({"volumes": [{"type": "bind", "source": "/a", "target": "/app/a"}]}, "volumes"),
        ({"image": "other:1"}, "image"),
    ],
    ids=["environment", "command", "port", "no port", "mount", "image"],
)
def test_what_of_the_configuration_differs(
    facts_of: FactsOf, changed: t.Callable[..., StackFacts], change: dict[str, t.Any], words: str
) -> None:
    facts = changed(facts_of("runbook"), lambda facts: facts.config["services"]["backend"].update(change))
    item = next(item for item in facts.containers if get_compose_label(item, "service") == "backend")
    item["HostConfig"]["PortBindings"] = {"8000/tcp": [{"HostIp": "", "HostPort": "58000"}]}
    found = find_config_changes(Service("backend", facts), item)
    assert words in found
    assert "planted" not in str(found)
