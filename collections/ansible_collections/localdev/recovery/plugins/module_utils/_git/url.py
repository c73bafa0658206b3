# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Addresses of repositories. Pure."""

from __future__ import annotations

import urllib.parse


def has_url_secret(url: str) -> bool:
    """Whether an address carries a password or a token."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    # A token may also stand alone where the user's name would; of a user of SSH that is not so.
    return bool(parts.password or (parts.username and parts.scheme in ("http", "https")))


def remove_url_secrets(url: str) -> str:
    """The address without what has_secret sees."""
    if not has_url_secret(url):
        return url
    parts = urllib.parse.urlsplit(url)
    user = f"{parts.username}@" if parts.username and parts.scheme not in ("http", "https") else ""
    return urllib.parse.urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2]))
