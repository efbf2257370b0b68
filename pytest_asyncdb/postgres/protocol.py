"""What a provider of a throwaway Postgres is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_asyncdb.model.server import Server

PREFIX = "asyncdb_"
"""Every database that the tool makes begins with it, and none that doesn't is ever dropped."""
USER = "postgres"
"""The superuser of a server of ours."""
TIMEOUT = 60.0
"""Seconds a server has to become ready, unless told otherwise."""


class ServerError(Exception):
    """A server could not be started; the text says what was tried, shows the end of its log, and names ways out."""


class Provider(Protocol):
    """A way to get a server. Safe to use from any thread."""

    @property
    def name(self) -> str:
        """``embedded``, ``docker``, ``local`` or ``url``."""

    def unusable(self) -> str | None:
        """Why it cannot serve here, in words the user can act on; None when it can. Starts no server, takes no time."""

    def serve(self) -> AbstractContextManager[Server]:
        """A running server for the time of the ``with`` block; afterwards nothing of it is left.

        That holds after an exception, Ctrl-C and SIGTERM, and also when this process is killed.

        Raises:
            ServerError: it does not start.
        """


def to_stderr(line: str) -> None:
    """Say something to the user while a server is still starting."""
    import sys

    sys.stderr.write(f"asyncdb: {line}\n")
    sys.stderr.flush()
