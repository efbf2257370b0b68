"""What becomes of one URL parameter under a driver, and the pieces that the translations share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""The words of libpq's ``sslmode``, weakest first; asyncpg's ``ssl`` takes the same."""

_TRUE = frozenset({"true", "1", "on", "yes", "t", "y"})
_FALSE = frozenset({"false", "0", "off", "no", "f", "n"})
_UNVERIFIED = frozenset({"no-verify", "noverify", "accept-invalid-certs"})
_OPTION = re.compile(r"(?:-c\s*|--)(?P<name>[\w.-]+)=(?P<value>(?:\\.|[^\s\\])*)|(?P<other>(?:\\.|\S)+)")


class Action(StrEnum):
    """Where a parameter goes."""

    KEEP = "keep"
    """Stays in the URL as it is."""
    REPLACE = "replace"
    """``text`` takes its place in the URL."""
    CONNECT_ARG = "connect-arg"
    """``connect_args[key] = value``."""
    SETTINGS = "settings"
    """Server settings: ``connect_args["server_settings"]`` for asyncpg, ``options=-c name=value`` for psycopg."""
    ENGINE_OPTION = "engine-option"
    """``create_async_engine(..., key=value)``."""
    CONTEXT = "context"
    """Part of an ``ssl.SSLContext`` in ``connect_args["ssl"]``."""
    ADDRESS = "address"
    """Belongs in the URL itself: its host, port, user, password or database."""
    RESOLVE = "resolve"
    """Names a service file whose content has to be written into the URL."""
    DROP = "drop"
    """Goes away."""
    INVALID = "invalid"
    """The value means nothing to any driver; ``reason`` says what it must be."""


@dataclass(frozen=True, slots=True)
class Translation:
    """What becomes of one ``name=value``.

    ``text`` is what stands in the URL instead (``ssl=require``), empty when nothing does. ``same`` tells whether the
    meaning stays: False where the driver has nothing of the kind and a protection or behaviour is lost.
    """

    name: str
    action: Action
    reason: str
    text: str = ""
    key: str = ""
    value: Scalar = None
    settings: tuple[tuple[str, str], ...] = ()
    same: bool = True


def parse_bool(value: str) -> bool | None:
    """Read ``true``, ``on``, ``1``... as True, their opposites as False, anything else as None."""
    word = value.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def parse_mode(value: str) -> str | None:
    """Read an ssl mode, tolerating case, underscores, booleans and node's ``no-verify``; None when it is none.

    ``true`` becomes ``require``: encrypted, the server not authenticated, which is what every driver can do.
    """
    word = value.strip().lower().replace("_", "-")
    if word in SSL_MODES:
        return word
    if word in _UNVERIFIED:
        return "require"
    on = parse_bool(word)
    return None if on is None else "require" if on else "disable"


def parse_number(value: str) -> int | float | None:
    """Read a number, as int where it is a whole one; None when it is none."""
    try:
        number = float(value)
    except ValueError:
        return None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - the test for NaN
        return None
    return int(number) if number.is_integer() else number


def settings_in_options(value: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Take libpq's ``options`` apart: (name, value) of each ``-c name=value`` or ``--name=value``, and all the rest."""
    settings: dict[str, str] = {}
    rest = []
    for match in _OPTION.finditer(value):
        if match["name"]:
            settings[match["name"].replace("-", "_")] = re.sub(r"\\(.)", r"\1", match["value"])
        else:
            rest.append(match["other"])
    return tuple(settings.items()), tuple(rest)


def options_of(settings: tuple[tuple[str, str], ...]) -> str:
    """Write server settings as libpq's ``options``."""
    return " ".join(f"-c {name}=" + re.sub(r"([\\\s])", r"\\\1", value) for name, value in settings)
