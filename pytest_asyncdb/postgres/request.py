"""What a user may ask for: the name of a provider, a version of it, or the URL of a server; and lists of these."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OPTION = "--asyncdb-postgres"
AUTO = "auto"
LADDER = ("embedded", "docker", "local")
"""Order of ``auto``: whoever installed the wheel chose it; a container is nearest to production; then what is there."""
URL = "url"
FORMS = {
    "embedded": "embedded:18 names the major version",
    "docker": "docker:17 names the tag of the official image, docker:registry.example/pg:16 an image",
    "local": "local:15 names the major version, local:/usr/lib/postgresql/15/bin the directory of the programs",
}
_URL = re.compile(r"(?i)postgres(ql)?(\+\w+)?://")
_MAJOR = re.compile(r"\d+")
_VERSION = re.compile(r"\d+(\.\d+)+")
_TAG = re.compile(r"\d[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?:[\w.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
FITS: dict[str, Callable[[str], object]] = {
    "embedded": _MAJOR.fullmatch,
    "docker": _IMAGE.fullmatch,
    "local": lambda detail: not _VERSION.fullmatch(detail),
}
_EXTENSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
OFFICIAL = "postgres"
DIGEST_SHOWN = 12


class UnknownProviderError(ValueError):
    """The request is no provider's name, no version of one, and no Postgres URL."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: a provider and which of its servers."""

    provider: str
    """``auto``, ``embedded``, ``docker``, ``local`` or ``url``."""
    detail: str = field(default="", repr=False)
    """A major version, an image, a directory, or the URL itself; empty: the provider decides."""

    @property
    def major(self) -> int | None:
        """The major version that is asked for, where the detail is one."""
        return int(self.detail) if _MAJOR.fullmatch(self.detail) else None

    @property
    def label(self) -> str:
        """The request in words that can stand in a test's id or a header: no password, no long digest."""
        if self.provider == URL:
            return _address(self.detail)
        name, at, digest = self.detail.partition("@sha256:")
        tag = name.removeprefix(f"{OFFICIAL}:")
        name = tag if _TAG.fullmatch(tag) else name
        return f"{self.provider}:{name}{at}{digest[:DIGEST_SHOWN]}" if self.detail else self.provider


def parse_request(text: str) -> Request:
    """One request.

    Raises:
        UnknownProviderError: it means nothing; the text names the forms there are and shows no password.
    """
    text = text.strip()
    if _URL.match(text):
        return Request(URL, text)
    word, colon, detail = text.partition(":")
    if word not in (AUTO, *LADDER) or detail.startswith("//") or (word == AUTO and colon):
        raise UnknownProviderError(_unknown(text))
    if not colon:
        return Request(word)
    if word == "docker" and _TAG.fullmatch(detail):
        return Request(word, f"{OFFICIAL}:{detail}")
    if not detail or not FITS[word](detail):
        raise UnknownProviderError(f"{OPTION}={word}: {_misfit(word, detail)}; {FORMS[word]}")
    return Request(word, detail)


def parse_requests(text: str) -> tuple[str, ...]:
    """The requests of a comma-separated list such as ``docker:15,docker:18``, in order; commas of a URL stay in it.

    Raises:
        UnknownProviderError: one means nothing, one is empty, or two are the same.
    """
    pieces: list[str] = []
    for piece in text.split(","):
        if pieces and _URL.match(pieces[-1]) and piece.strip() and not _begins(piece):
            pieces[-1] += f",{piece.rstrip()}"
        else:
            pieces.append(piece.strip())
    if len(pieces) > 1 and "" in pieces:
        raise UnknownProviderError(f"{OPTION}: between two commas, or beside one, no server is named")
    requests = [parse_request(piece) for piece in pieces]
    for position, request in enumerate(requests):
        if request in requests[:position]:
            raise UnknownProviderError(f"{OPTION}: {request.label} is named twice")
    return tuple(pieces)


def parse_extensions(text: str) -> tuple[str, ...]:
    """The names in a list with commas or spaces between them.

    Raises:
        ValueError: one is no name of an extension.
    """
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for name in names:
        if not _EXTENSION.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an extension")
    return names


def label(request: str) -> str:
    """What to call a request in a test's id or a header, e.g. ``docker:15``; a URL is its host, port and database.

    Raises:
        UnknownProviderError: it means nothing.
    """
    return parse_request(request).label


def _begins(piece: str) -> bool:
    """Whether a piece of a list is a request of its own, not what follows a comma in the URL before it."""
    piece = piece.strip()
    return bool(_URL.match(piece)) or piece.partition(":")[0] in (AUTO, *LADDER)


def _misfit(word: str, detail: str) -> str:
    if not detail:
        return "nothing follows the colon"
    if word != "docker" and _VERSION.fullmatch(detail):
        return f"{detail} is not a major version, {detail.partition('.')[0]} is"
    shown = repr(detail[:60]) if "@" not in detail else "what follows"
    return f"{shown} is no {'name of an image' if word == 'docker' else 'version'}"


def _address(url: str) -> str:
    """``url:host:port/database``: what tells two servers apart and is no secret."""
    from pytest_asyncdb.urls.parse import InvalidURL, parse_url

    try:
        parsed = parse_url(url)
    except InvalidURL:
        return URL
    port = f":{parsed.port}" if parsed.port else ""
    database = f"/{parsed.database}" if parsed.database else ""
    return f"{URL}:{parsed.host}{port}{database}" if parsed.host else URL


def _unknown(request: str) -> str:
    known = (AUTO, *LADDER)
    if "://" in request:  # may hold a password: only the scheme is repeated
        scheme = request.partition("://")[0]
        return f"{OPTION}: {scheme[:30]!r} is not the scheme of a Postgres URL; use postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    near = get_close_matches(request.partition(":")[0], known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = repr(request[:30]) if "@" not in request else "that value"
    forms = "; ".join(FORMS.values())
    return f"{OPTION}: {shown} is none of {', '.join(known)}, or the URL of a server{hint} ({forms})"
