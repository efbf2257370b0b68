"""Which provider serves: the one asked for, or the first that can."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.protocol import TIMEOUT

if TYPE_CHECKING:
    from pytest_asyncdb.postgres.protocol import Provider

OPTION = "--asyncdb-postgres"
AUTO = "auto"
LADDER = ("embedded", "docker", "local")
"""Order of ``auto``: whoever installed the wheel chose it; a container is nearest to production; then what is there."""
_URL = re.compile(r"(?i)postgres(ql)?(\+\w+)?://")


class NoProviderError(Exception):
    """No provider can serve, or the one that was asked for cannot; the text gives each reason and way out."""


class UnknownProviderError(ValueError):
    """The request is no provider's name and no Postgres URL."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider to use, and each other one with why it was not used."""

    provider: Provider
    not_used: tuple[tuple[str, str], ...] = ()


def choose(request: str, *, timeout: float = TIMEOUT) -> Choice:
    """Choose a provider.

    Args:
        request: ``auto``, ``embedded``, ``docker``, ``local``, ``local:DIRECTORY`` or the URL of a server.
        timeout: seconds that the server will have to become ready.

    Raises:
        NoProviderError: nothing can serve as requested.
        UnknownProviderError: the request means nothing.
    """
    request = request.strip()
    if request == AUTO:
        return _first_that_can(timeout)
    provider = _named(request, timeout)
    why = provider.unusable()
    if why:
        raise NoProviderError(f"{OPTION}={provider.name} cannot serve: {why}")
    return Choice(provider, tuple((name, f"{provider.name} was asked for") for name in LADDER if name != provider.name))


def _first_that_can(timeout: float) -> Choice:
    rejected: list[tuple[str, str]] = []
    for position, name in enumerate(LADDER):
        provider = _named(name, timeout, auto=True)
        why = provider.unusable()
        if not why:
            later = tuple((other, f"{name} comes first") for other in LADDER[position + 1 :])
            return Choice(provider, (*rejected, *later))
        rejected.append((name, why))
    reasons = "".join(f"\n  {name}: {why}" for name, why in rejected)
    raise NoProviderError(
        f"no Postgres server can be started here:{reasons}\n"
        f"Any one of these helps; or give the URL of a server with {OPTION}=postgresql://USER:PASSWORD@HOST/DATABASE, "
        "where only databases named asyncdb_* are created and dropped"
    )


def _named(request: str, timeout: float, *, auto: bool = False) -> Provider:
    """The provider of that name; imports it and nothing else."""
    word, _, rest = request.partition(":")
    if request == "embedded":
        from pytest_asyncdb.postgres.embedded import Embedded

        return Embedded(timeout)
    if word == "local":
        from pytest_asyncdb.postgres.local import Local

        return Local(Path(rest).expanduser().absolute() if rest else None, timeout)
    if request == "docker":
        from pytest_asyncdb.postgres.docker import Docker

        return Docker(pull=not auto, timeout=timeout)
    if _URL.match(request):
        from pytest_asyncdb.postgres.url import Url

        return Url(request, timeout)
    raise UnknownProviderError(_unknown(request))


def _unknown(request: str) -> str:
    known = (AUTO, *LADDER)
    if "://" in request:  # may hold a password: only the scheme is repeated
        scheme = request.partition("://")[0]
        return f"{OPTION}: {scheme[:30]!r} is not the scheme of a Postgres URL; use postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    near = get_close_matches(request, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = repr(request[:30]) if "@" not in request else "that value"
    return f"{OPTION}: {shown} is none of {', '.join(known)}, local:DIRECTORY, or the URL of a server{hint}"
