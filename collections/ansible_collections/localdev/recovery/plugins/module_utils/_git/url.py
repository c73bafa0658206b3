# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Detect and remove secrets in repository URLs. Pure."""

from __future__ import annotations

import urllib.parse


def has_url_secret(url: str) -> bool:
    """Return whether a repository URL holds a password or a token."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    # Over HTTP, a user name alone may be a token. Over SSH it is a user name.
    return bool(parts.password or (parts.username and parts.scheme in ("http", "https")))


def remove_url_secrets(url: str) -> str:
    """Return the URL without the password or token."""
    if not has_url_secret(url):
        return url
    parts = urllib.parse.urlsplit(url)
    user = f"{parts.username}@" if parts.username and parts.scheme not in ("http", "https") else ""
    return urllib.parse.urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2]))
