"""Which provider serves: the one asked for, or the first that can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.protocol import TIMEOUT, to_stderr
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
    from collections.abc import Callable

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
    """The provider to use, and how it came to that."""

    provider: Provider
    asked: str
    """What was asked for, in words."""
    passed_over: dict[str, str]
    """Providers that come earlier and cannot serve, each with its reason."""

    @property
    def not_used(self) -> tuple[tuple[str, str], ...]:
        """Each other provider and why it was not used; with extensions asked for, final once the server runs."""
        name = self.provider.name
        why = f"{name} comes first" if self.asked == AUTO else f"{self.asked} was asked for"
        return tuple((other, self.passed_over.get(other, why)) for other in LADDER if other != name)


def choose(
    request: str,
    *,
    timeout: float = TIMEOUT,
    extensions: tuple[str, ...] = (),
    tell: Callable[[str], None] = to_stderr,
) -> Choice:
    """Choose a provider.

    Args:
        request: one of those that ``parse_requests`` gives, e.g. ``auto``, ``embedded``, ``docker:17``, ``local:15`` or
            the URL of a server.
        timeout: seconds that the server will have to become ready.
        extensions: that the server must have; where it lacks one, ``auto`` goes on to the next, and any other request
            fails when it serves.
        tell: hears of what takes long, i.e. the pull of an image.

    Raises:
        NoProviderError: nothing can serve as requested.
        UnknownProviderError: the request means nothing.
    """
    asked = parse_request(request)
    if asked.provider == AUTO:
        return _first_that_can(timeout, extensions)
    provider = _provider(asked, timeout, tell)
    why = provider.unusable()
    if why:
        raise NoProviderError(f"{OPTION}={asked.label} cannot serve: {why}")
    return Choice(_ladder([provider], extensions, {}), asked.label, {})


def _first_that_can(timeout: float, extensions: tuple[str, ...]) -> Choice:
    rejected: dict[str, str] = {}
    usable: list[Provider] = []
    for name in LADDER:
        if usable and not extensions:
            break  # the first will do: spare the others the question
        provider = _provider(Request(name), timeout)
        why = provider.unusable()
        if why:
            rejected[name] = why
        else:
            usable.append(provider)
    if usable:
        return Choice(_ladder(usable, extensions, rejected), AUTO, rejected)
    reasons = "".join(f"\n  {name}: {why}" for name, why in rejected.items())
    raise NoProviderError(
        f"no Postgres server can be started here:{reasons}\n"
        f"Any one of these helps; or give the URL of a server with {OPTION}=postgresql://USER:PASSWORD@HOST/DATABASE, "
        "where only databases named asyncdb_* are created and dropped"
    )


def _ladder(usable: list[Provider], extensions: tuple[str, ...], rejected: dict[str, str]) -> Provider:
    if not extensions:
        return usable[0]
    from pytest_asyncdb.postgres.extensions import Ladder

    return Ladder(usable, extensions, rejected)


def _provider(request: Request, timeout: float, tell: Callable[[str], None] | None = None) -> Provider:
    """The provider that is asked for; imports it and nothing else. Without ``tell`` no image is pulled."""
    if request.provider == "embedded":
        from pytest_asyncdb.postgres.embedded import Embedded

        return Embedded(timeout, major=request.major)
    if request.provider == "local":
        from pytest_asyncdb.postgres.local import Local

        directory = Path(request.detail).expanduser().absolute() if request.detail and request.major is None else None
        return Local(directory, timeout, major=request.major)
    if request.provider == "docker":
        from pytest_asyncdb.postgres.docker import Docker, configured_image

        return Docker(
            request.detail or configured_image(), pull=tell is not None, timeout=timeout, tell=tell or to_stderr
        )
    from pytest_asyncdb.postgres.url import Url

    return Url(request.detail, timeout)
