"""Which provider serves: the one asked for, or the first that can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.protocol import TIMEOUT
from pytest_asyncdb.postgres.request import (
    AUTO,
    LADDER,
    OPTION,
    Request,
    UnknownProviderError,
    label,
    parse_request,
    parse_requests,
)

if TYPE_CHECKING:
    from pytest_asyncdb.postgres.protocol import Provider

__all__ = [
    "AUTO",
    "LADDER",
    "OPTION",
    "Choice",
    "NoProviderError",
    "UnknownProviderError",
    "choose",
    "label",
    "parse_requests",
]


class NoProviderError(Exception):
    """No provider can serve, or the one that was asked for cannot; the text gives each reason and way out."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider to use, and each other one with why it was not used."""

    provider: Provider
    not_used: tuple[tuple[str, str], ...] = ()


def choose(request: str, *, timeout: float = TIMEOUT) -> Choice:
    """Choose a provider.

    Args:
        request: one of those that ``parse_requests`` gives, e.g. ``auto``, ``embedded``, ``docker:17``, ``local:15`` or
            the URL of a server.
        timeout: seconds that the server will have to become ready.

    Raises:
        NoProviderError: nothing can serve as requested.
        UnknownProviderError: the request means nothing.
    """
    asked = parse_request(request)
    if asked.provider == AUTO:
        return _first_that_can(timeout)
    provider = _provider(asked, timeout)
    why = provider.unusable()
    if why:
        raise NoProviderError(f"{OPTION}={asked.label} cannot serve: {why}")
    others = tuple((name, f"{asked.label} was asked for") for name in LADDER if name != asked.provider)
    return Choice(provider, others)


def _first_that_can(timeout: float) -> Choice:
    rejected: list[tuple[str, str]] = []
    for position, name in enumerate(LADDER):
        provider = _provider(Request(name), timeout, auto=True)
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


def _provider(request: Request, timeout: float, *, auto: bool = False) -> Provider:
    """The provider that is asked for; imports it and nothing else."""
    if request.provider == "embedded":
        from pytest_asyncdb.postgres.embedded import Embedded

        return Embedded(timeout, major=request.major)
    if request.provider == "local":
        from pytest_asyncdb.postgres.local import Local

        directory = Path(request.detail).expanduser().absolute() if request.detail and request.major is None else None
        return Local(directory, timeout, major=request.major)
    if request.provider == "docker":
        from pytest_asyncdb.postgres.docker import Docker, configured_image

        return Docker(request.detail or configured_image(), pull=not auto, timeout=timeout)
    from pytest_asyncdb.postgres.url import Url

    return Url(request.detail, timeout)
