# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Mask secrets in texts for people and logs. Pure."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

MASK = "********"
SHORT_SECRET = 4

_SECRET_NAME = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE|SALT|AUTH(?!OR)|DSN|COOKIE", re.I)
# Passwords may hold an unescaped '@', so the last one before the end of the authority ends the credentials. No scheme
# is longer than 40: without a limit a long line would take time by the square of its length.
_USERINFO = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,40}://)(?P<user>[^:/\s@?#]*)(?::(?P<password>[^\s/?#'\"]*))?@", re.I
)
_FLAG = re.compile(
    r"(?P<flag>--?(?:requirepass|masterauth|pass(?:word|wd)?|token|secret|api-?key)[= ]|"
    r"(?:PASSWORD|PASSWD|SECRET|TOKEN|REDISCLI_AUTH)=|"
    r"(?:redis|valkey|keydb)-cli\b[^\n;|&]*? (?:(?-i:-a)|--pass) )(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\";&|]+)",
    re.I,
)
_VALUE_FOLLOWS = re.compile(r"--?(?:requirepass|masterauth|pass(?:word|wd)?|token|secret|api-?key)", re.I)
_REDIS_CLIENT = re.compile(r"(?:redis|valkey|keydb)-cli")


def is_secret_name(variable: str) -> bool:
    """Return whether a variable of this name usually holds a secret. Names of secret files are not secret."""
    return bool(_SECRET_NAME.search(variable)) and not variable.upper().endswith("_FILE")


def extract_url_password(text: str) -> str:
    """Return the password in the first URL of a text, or ''."""
    match = _USERINFO.search(text)
    return (match.group("password") or "") if match else ""


def mask_url(text: str) -> str:
    """Replace the password of every URL in a text; a user name without password stays, a bare token does not."""

    def replace(match: re.Match[str]) -> str:
        if match.group("password") is not None:
            return f"{match.group('scheme')}{match.group('user')}:{MASK}@"
        if match.group("scheme").lower() in ("http://", "https://"):
            return f"{match.group('scheme')}{MASK}@"
        return match.group(0)

    return _USERINFO.sub(replace, text)


class Masker:
    """A masker of known secret values, URL passwords and the values of password options in texts."""

    def __init__(self, secrets: t.Iterable[str] = (), harmless: t.Iterable[str] = ()) -> None:
        """Take values that are not secret (user names, service names) as harmless: to mask them would garble texts."""
        known = {value for value in secrets if value} - set(harmless)
        # Longest first: a secret may contain another one.
        ordered = sorted(known, key=lambda value: (-len(value), value))
        # A short secret is hidden where it stands alone; inside of words it would only garble them.
        patterns = [
            re.escape(value) if len(value) >= SHORT_SECRET else rf"(?<!\w){re.escape(value)}(?!\w)" for value in ordered
        ]
        self._secrets = re.compile("|".join(patterns)) if patterns else None

    @classmethod
    def of_environments(
        cls,
        environments: t.Iterable[t.Mapping[str, str]],
        secrets: t.Iterable[str] = (),
        harmless: t.Iterable[str] = (),
    ) -> Masker:
        """Return a masker that knows every secret in these environments, and the further secrets."""
        hidden = set(secrets)
        plain: set[str] = set(harmless)
        for environment in environments:
            for name, value in environment.items():
                if "://" in value:
                    password = extract_url_password(value)
                    hidden |= {password, urllib.parse.unquote(password)}
                elif is_secret_name(name):
                    hidden.add(value)
                elif re.search(r"(USER|USERNAME|DB|DATABASE|NAME|HOST)$", name, re.I):
                    plain.add(value)
        return cls((value for value in hidden if not _is_trivial(value)), plain)

    def mask_text(self, text: str) -> str:
        """Return the text without known secrets, URL passwords and values of password options."""
        if self._secrets:
            text = self._secrets.sub(MASK, text)
        return _FLAG.sub(lambda match: match.group("flag") + MASK, mask_url(text))

    def mask_command(self, words: t.Sequence[str]) -> list[str]:
        """Mask a command given as a list, in which an option's value may be the next item."""
        redis_client = any(_REDIS_CLIENT.search(word) for word in words)
        masked: list[str] = []
        previous = ""
        for word in words:
            hidden = _VALUE_FOLLOWS.fullmatch(previous) or (redis_client and previous == "-a")
            masked.append(MASK if hidden else self.mask_text(word))
            previous = word
        return masked


def _is_trivial(value: str) -> bool:
    """Return whether the value is a flag or a small number, as in AUTH_ENABLED; masking it would hide nothing."""
    return value.lower() in ("true", "false", "yes", "no", "on", "off", "none", "null") or (
        value.isdigit() and len(value) < 4
    )
