"""The parts of a database URL.

Offsets are pairs of character positions in the text that was parsed (end exclusive), so that a caller can map them to a
position in a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_asyncdb.urls.redact import MASK

Offsets: TypeAlias = tuple[int, int]

_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Za-z_]\w*\s*=\s*(?=['\"]|(?:jdbc:)?[A-Za-z][\w+.-]*://)")


class InvalidURL(ValueError):  # noqa: N818 - the public name, after httpx.InvalidURL
    """A database URL that cannot be used; the message says what is wrong and never holds the password."""


@dataclass(frozen=True, slots=True)
class Host:
    """One server address; ``port`` is as written (it need not be a number), ``name`` is a directory for a socket."""

    name: str
    port: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One ``name=value``, both decoded; ``span`` covers ``name=value`` as written."""

    name: str
    value: str = field(repr=False)
    span: Offsets


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """A database URL in its parts. ``repr`` shows no password.

    ``form`` is ``url`` or ``conninfo`` (keyword/value, also from a command line). ``scheme`` is as written
    (``jdbc:postgresql``, empty for conninfo). ``query_span`` includes the ``?`` and is empty at the URL's end when
    there is no query; ``path_span`` covers the database without its slash.
    """

    form: str
    scheme: str
    username: str | None
    password: str | None = field(repr=False)
    hosts: tuple[Host, ...]
    database: str | None
    raw_database: str | None
    """The database as written, percent-encoding and all: SQLAlchemy 2.0 does not decode it."""
    parameters: tuple[Parameter, ...]
    span: Offsets
    scheme_span: Offsets
    password_span: Offsets | None
    path_span: Offsets | None
    query_span: Offsets
    masked: str = ""
    """The URL with ``***`` for the password."""

    @property
    def host(self) -> str | None:
        """The first host, None when none is written."""
        return (self.hosts[0].name or None) if self.hosts else None

    @property
    def port(self) -> str | None:
        """The first port as written, None when none is."""
        return (self.hosts[0].port or None) if self.hosts else None

    def parameter(self, name: str) -> Parameter | None:
        """The first parameter of that name."""
        return next((p for p in self.parameters if p.name == name), None)


def unwrapped(text: str) -> Offsets:
    """Offsets of the value inside whitespace, ``export NAME=`` and matching quotes, however often they nest."""
    start, end = 0, len(text)
    while True:
        before = (start, end)
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end - start > 1 and text[start] == text[end - 1] and text[start] in "'\"`":
            start, end = start + 1, end - 1
        elif assignment := _ASSIGNMENT.match(text, start, end):
            start = assignment.end()
        if (start, end) == before:
            return start, end


def masked_parameters(text: str, offset: int, parameters: tuple[Parameter, ...]) -> str:
    """Return ``text`` (which begins at ``offset``) with the values of secret parameters masked."""
    for one in reversed(parameters):
        if is_secret_parameter(one.name):
            value = text.index("=", one.span[0] - offset) + 1
            text = text[:value] + MASK + text[one.span[1] - offset :]
    return text


def is_secret_parameter(name: str) -> bool:
    """Whether the value of a parameter is a secret."""
    return name.lower() in {
        "password",
        "pwd",
        "sslpassword",
        "oauth_client_secret",
        "scram_client_key",
        "scram_server_key",
    }
