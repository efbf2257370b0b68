"""Servers that must have certain extensions: asked once the server runs, which is the only sure way everywhere."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.databases import available_extensions
from pytest_asyncdb.postgres.protocol import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.postgres.protocol import Provider

WAYS_OUT = (
    "Ways out: an image that has them (docker:18 has all that come with Postgres, docker:pgvector/pgvector:pg18 "
    "has vector, docker:postgis/postgis:17-3.5 has postgis), their package beside an installed server (local), "
    "or the URL of a server that has them"
)


class MissingExtensionsError(ServerError):
    """The server runs, and lacks extensions that were asked for; the text names them."""


@dataclass
class Demanding:
    """A provider whose server must have ``extensions``."""

    provider: Provider
    extensions: tuple[str, ...]

    @property
    def name(self) -> str:
        """That of the provider."""
        return self.provider.name

    def unusable(self) -> str | None:
        """Why it cannot serve; see ``Provider``. What its server has is seen when it serves."""
        return self.provider.unusable()

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """Serve; see ``Provider``.

        Raises:
            MissingExtensionsError: the server lacks some.
        """
        with self.provider.serve() as server:
            there = available_extensions(server)
            missing = [name for name in self.extensions if name not in there]
            if missing:
                raise MissingExtensionsError(
                    f"the Postgres {server.version} of {self.name} lacks {_named(missing)}. {WAYS_OUT}"
                )
            yield server


class Ladder:
    """Providers, best first: the first whose server has ``extensions`` serves.

    Args:
        providers: each of them usable.
        extensions: that the server must have.
        passed_over: those that cannot serve, each with its reason; servers without the extensions are added to it.
    """

    def __init__(self, providers: Sequence[Provider], extensions: tuple[str, ...], passed_over: dict[str, str]) -> None:
        self._demanding = [Demanding(one, extensions) for one in providers]
        self._passed_over = passed_over
        self.name = providers[0].name
        """The provider that serves, once one does."""

    def unusable(self) -> str | None:
        """Nothing: each of them was asked."""
        return None

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """Serve; see ``Provider``.

        Raises:
            MissingExtensionsError: no server has them all.
        """
        for provider in self._demanding:
            with ExitStack() as stack:
                try:
                    server = stack.enter_context(provider.serve())
                except MissingExtensionsError as error:
                    self._passed_over[provider.name] = str(error).partition(". Ways out")[0]
                    continue
                self.name = provider.name
                yield server
                return
        reasons = "".join(f"\n  {name}: {why}" for name, why in self._passed_over.items())
        raise MissingExtensionsError(
            f"no Postgres here has {_named(self._demanding[0].extensions)}:{reasons}\n{WAYS_OUT}"
        )


def _named(names: Sequence[str]) -> str:
    kind = "the extension" if len(names) == 1 else "the extensions"
    return f"{kind} {', '.join(names)}"
