# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._git.url import has_url_secret, remove_url_secrets


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://carol:hunter2@git.example.com:8443/shop.git", "https://git.example.com:8443/shop.git"),
        ("https://ghp_token@git.example.com/shop.git", "https://git.example.com/shop.git"),
        ("ssh://git:hunter2@git.example.com/shop.git", "ssh://git@git.example.com/shop.git"),
    ],
)
def test_secrets_in_addresses(url: str, plain: str) -> None:
    assert has_url_secret(url)
    assert remove_url_secrets(url) == plain
    assert not has_url_secret(plain)


@pytest.mark.parametrize(
    "url", ["git@git.example.com:shop.git", "ssh://git@git.example.com/shop.git", "/srv/shop.git", ""]
)
def test_addresses_without_secrets(url: str) -> None:
    assert not has_url_secret(url)
    assert remove_url_secrets(url) == url
