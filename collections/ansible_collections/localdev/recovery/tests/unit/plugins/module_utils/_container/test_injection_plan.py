# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import ContainerFile
from ansible_collections.localdev.recovery.plugins.module_utils._container.injection_plan import (
    CheckoutFile,
    InjectionTarget,
    choose_container_path,
    find_injection_targets,
    find_services_sharing_image,
    mask_diff_content,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

DOCKERFILE = "FROM x\nWORKDIR /app\nCOPY app app\n"


def service(context: str = "", image: str = "", **more: t.Any) -> dict[str, t.Any]:
    build = {"context": context, "dockerfile": "Dockerfile", "target": None} if context else None
    base = {"kind": "other", "enabled": True, "excluded": False, "build": build, "mounts": [], "image": image or "own"}
    return {**base, "image_id": image or None, **more}


def stack(**more: t.Any) -> dict[str, t.Any]:
    services = {
        "api": service("/s/backend", "i1", kind="application"),
        "worker": service("/s/backend", "i2"),
        "beat": service("/s/backend", "i3", excluded=True),
        "copy": service("", "i1"),
        "web": service("/s/frontend", "i4"),
        "db": service("", "i5", kind="database"),
        **more,
    }
    return {"project": {"name": "shop"}, "services": services}


def source(path: str, *, named_explicitly: bool = True) -> CheckoutFile:
    return CheckoutFile(path, b"text", named_explicitly=named_explicitly)


def places(
    described: dict[str, t.Any], *sources: CheckoutFile, **more: t.Any
) -> tuple[list[tuple[t.Any, ...]], list[str]]:
    options: dict[str, t.Any] = {"targets": {}, "workdirs": {}}
    options["dockerfiles"] = dict.fromkeys(("api", "worker", "beat", "web"), DOCKERFILE)
    found, notes = find_injection_targets(described, sources, **{**options, **more})
    return [(p.service, *p.paths) + (("live",) if p.live else ()) for p in found], notes


def test_a_file_goes_into_every_service_that_is_built_from_its_context() -> None:
    assert places(stack(), source("/s/backend/app/x.py")) == (
        [("api", "/app/app/x.py"), ("worker", "/app/app/x.py")],
        [],
    )


def test_a_named_service_takes_those_along_that_share_image_or_context() -> None:
    assert find_services_sharing_image(stack(), ["api"]) == ["api", "worker", "copy"]
    assert find_services_sharing_image(stack(), ["copy"]) == ["api", "copy"]
    assert find_services_sharing_image(stack(), ["web"]) == ["web"]
    found, _notes = places(stack(), source("/s/backend/app/x.py"), named=["worker"])
    assert [name for name, _path in found] == ["api", "worker"]
    with raises_failure(FailureId.INJECTION_NO_TARGET, "/s/backend/app/x.py", "web"):
        places(stack(), source("/s/backend/app/x.py"), named=["web"])


@pytest.mark.parametrize(
    ("name", "failure", "choice"),
    [
        ("none_such", FailureId.SERVICE_UNKNOWN, "api, beat, copy, db, web, worker"),
        ("beat", FailureId.SERVICE_EXCLUDED, "api, copy, db, web, worker"),
    ],
)
def test_a_named_service_that_cannot_be_is_refused(name: str, failure: FailureId, choice: str) -> None:
    with raises_failure(failure, name, choice):
        places(stack(), source("/s/backend/app/x.py"), named=[name])


@pytest.mark.parametrize(
    ("path", "named"), [("/s/backend/README", "api, worker"), ("/s/docs/x.py", "")], ids=["not copied", "nowhere"]
)
def test_a_file_that_belongs_nowhere(path: str, named: str) -> None:
    with raises_failure(FailureId.INJECTION_NO_TARGET, path, named, "code_injection_targets"):
        places(stack(), source(path))
    found, notes = places(
        stack(), source(path, named_explicitly=False), source("/s/backend/app/x.py", named_explicitly=False)
    )
    assert len(found) == 2
    assert len(notes) == 1
    assert path in notes[0]
    assert named in notes[0]


def test_what_is_said_goes_before_what_the_dockerfile_says() -> None:
    targets = {"/s/backend": "/srv", "/s/backend/app/special": "/opt/special"}
    found, _notes = places(
        stack(), source("/s/backend/app/x.py"), source("/s/backend/app/special/y.py"), targets=targets
    )
    assert found[::2] == [("api", "/srv/app/x.py"), ("api", "/opt/special/y.py")]
    found, _notes = places(stack(), source("/s/lib/x.py"), targets={"/s/lib/x.py": "/lib/x.py"})
    assert found == [("api", "/lib/x.py"), ("worker", "/lib/x.py"), ("copy", "/lib/x.py")]
    found, _notes = places(stack(), source("/s/lib/x.py"), targets={"/s/lib": "/lib"}, named=["web"])
    assert found == [("web", "/lib/x.py")]


def test_a_bind_mounted_source_is_live() -> None:
    mount = {"type": "bind", "source": "/s/backend", "target": "/app"}
    described = stack(api=service("/s/backend", "i1", mounts=[mount], kind="application"))
    assert places(described, source("/s/backend/app/x.py"))[0] == [
        ("api", "/app/app/x.py", "live"),
        ("worker", "/app/app/x.py"),
    ]


@pytest.mark.parametrize("kind", ["volume", "bind"])
def test_a_place_that_another_mount_covers_is_refused(kind: str) -> None:
    mount = {"type": kind, "source": "elsewhere" if kind == "volume" else "/elsewhere", "target": "/app/app"}
    described = stack(api=service("/s/backend", "i1", mounts=[mount]))
    with raises_failure(FailureId.INJECTION_ON_MOUNT, "/app/app/x.py", "api", kind, mount["source"]):
        places(described, source("/s/backend/app/x.py"))


FILE, ABSENT = ContainerFile("file"), ContainerFile("absent")


@pytest.mark.parametrize(
    ("found", "path"),
    [
        ({"/one": ABSENT}, "/one"),
        ({"/one": FILE, "/two": ABSENT}, "/one"),
        ({"/one": FILE, "/two": FILE}, ""),
        ({"/one": ABSENT, "/two": ABSENT}, ""),
    ],
    ids=["one possible place", "one is there", "both are there", "none is there"],
)
def test_where_several_places_are_possible_the_container_decides(found: dict[str, ContainerFile], path: str) -> None:
    place = InjectionTarget("api", source("/s/x.py"), tuple(found))
    if path:
        assert choose_container_path(place, found) == path
    else:
        with raises_failure(FailureId.INJECTION_AMBIGUOUS_TARGET, "/s/x.py", "api", *found, "code_injection_targets"):
            choose_container_path(place, found)


def test_differences_show_no_secret() -> None:
    masker = Masker(["hunter22"])
    assert mask_diff_content(b"PASSWORD = 'hunter22'\n", masker) == "PASSWORD = '********'\n"
    binary = [mask_diff_content(content, masker) for content in (b"\x00\x01", b"\xff\xfe\xfd")]
    assert [re.findall(r"\d+", text) for text in binary] == [["2"], ["3"]]
    assert mask_diff_content(None, masker) == ""


def test_long_lines_are_distinguished_and_take_no_time() -> None:
    one, other = (
        mask_diff_content(b"a = 1\n" + letter * 1_000_000 + b"\nb = 2\n", Masker()) for letter in (b"x", b"y")
    )
    assert one != other
    first, long, last = one.splitlines()
    assert (first, "1000001" in long, len(long) < 200, last) == ("a = 1", True, True, "b = 2")
