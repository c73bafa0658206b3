# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets stay out of everything that others can read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.faults.secrecy import SecretWatch, assert_hidden
from tests.harness.checkout import ROOT
from tests.harness.engine import run_command
from tests.harness.reference_stack import ReferenceStack
from tests.harness.stack_settings import ACCOUNT_VARIABLES


@pytest.mark.fault("everything shown with -vvv, argument lists watched", "P7")
def test_secrets_are_nowhere_to_be_seen(named: ReferenceStack) -> None:
    secrets = named.read_secrets()
    with SecretWatch(secrets) as watch:
        outputs = [named.run_playbook(name, "-vvv", "--diff").output for name in ("full_rebuild", "undo", "status")]

    assert watch.rounds > 20
    assert watch.caught == set()
    assert_hidden(named, secrets, outputs)


@pytest.mark.fault(
    "passwords by file and environment, secrets made up, with -vvv; arguments and artifacts watched", "P4 P7"
)
def test_passwords_are_nowhere_to_be_seen(named: ReferenceStack, tmp_path: Path) -> None:
    by_file, by_variable = "By-File-Passw0rd: {{ 'x' }}", "By-Variable-Passw0rd"
    (tmp_path / "password").write_text(f"{by_file}\n")
    environment = {**os.environ, "PLANTED": by_variable, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    localdev = [sys.executable, "-m", "localdev_recovery", "admin", "repair", "-i", str(named.inventory), "-vvv"]
    key = named.read_env()["SECRET_KEY"]
    secrets = [*named.read_secrets(), by_file, by_variable]
    hashes = []
    named.write_inventory(**ACCOUNT_VARIABLES)
    try:
        with SecretWatch(secrets) as watch:
            # Check mode changes nothing, least of all the time of the last login.
            before = named.fingerprint()
            outputs = [named.run_playbook("admin_account", "-vvv", "--check", "--diff").output]
            assert named.fingerprint() == before
            outputs.append(named.run_playbook("admin_account", "-vvv", "--diff").output)
            hashes.append(named.psql("SELECT hashed_password FROM users"))
            options = {"admin_account_password_file": str(tmp_path / "password")}
            outputs.append(named.run_playbook("admin_account", "-vvv", "--diff", **options).output)
            hashes.append(named.psql("SELECT hashed_password FROM users"))
            done = run_command(*localdev, "--password-variable", "PLANTED", check=False, env=environment)
            outputs.append(done.stdout + done.stderr)
            assert done.returncode == 0, outputs[-1]
            hashes.append(named.psql("SELECT hashed_password FROM users"))
            env_file = named.dir / ".env"
            without_key = "".join(line for line in env_file.read_text().splitlines(True) if key not in line)
            env_file.write_text(without_key)
            outputs.append(named.run_playbook("env_file", "-vvv", "--diff").output)
            new_key = named.read_env()["SECRET_KEY"]
            outputs.append(named.run_playbook("undo", "-vvv", "--diff").output)
            assert env_file.read_text() == without_key
    finally:
        named.set_env(SECRET_KEY=key)
        named.write_inventory()
    assert len(set(hashes)) == 3
    assert new_key != key
    assert watch.caught == set()
    assert_hidden(named, [*secrets, new_key], outputs, tuple(hashes))


@pytest.mark.fault("secrets in the log lines of a service that does not come up", "P7 P9")
def test_secrets_in_logs_are_masked(bind: ReferenceStack) -> None:
    main = bind.dir / "backend" / "app" / "main.py"
    source = main.read_text()
    main.write_text("import os\nprint(dict(os.environ))\nraise SystemExit('no room for this application')\n")
    try:
        result = bind.try_playbook("full_rebuild", "-vvv")
    finally:
        main.write_text(source)
    assert result.rc != 0
    assert "no room for this application" in result.output
    assert not [secret for secret in bind.read_secrets() if secret in result.output]
