"""Takes the database away from the app for a moment, as if its server had gone, and asks health routes meanwhile."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.ask import promises_nothing
from pytest_asyncdb.sandbox.control import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.sandbox.ask import Requests, Wanted
    from pytest_asyncdb.sandbox.redirect import Redirect
    from pytest_asyncdb.sandbox.watch import Seen

_MOST = 5
"""As many health routes are asked: more tell nothing new."""
_PATIENCE = 5.0
"""Seconds that a health route has while the database is away; an orchestrator waits for less."""
_TRIES, _PAUSE = 8, 0.5
"""How often, and after how many seconds each, an app is asked that still fails when the database is back."""
_TURNS = 5
"""Turns of the event loop after which each transport has read the end of its connection."""
_DESCRIPTORS = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112 - pathlib is not loaded


class Outage:
    """One outage, and what the health routes say to it.

    Args:
        redirect: decides where connections go.
        requests: sends requests, and tells the answers.
        server: the throwaway server.
    """

    def __init__(self, redirect: Redirect, requests: Requests, server: Address) -> None:
        """Take what it needs; the database stays."""
        self._redirect = redirect
        self._requests = requests
        self._server = server

    async def play(self, healthy: Iterable[Wanted], engines: Iterable[Seen], pools: Iterable[Seen]) -> str:
        """Ask with the database down, and up again; then once more after all connections were cut.

        Args:
            healthy: the health routes that answer well while the database is there.
            engines: the app's engines.
            pools: the app's pools that need no SQLAlchemy.

        Returns:
            Why nothing was asked, or empty.
        """
        asked = [one for one in healthy if not promises_nothing(one.route.path)][:_MOST]
        if not asked:
            return ""
        if self._holds_others(engines, pools):
            return "the app holds connections that no pool would replace, so the database was not taken away"
        with self._away():
            await self._cut()
            concerned = [one for one in asked if await self._fails(one, "down")]
        for one in concerned:
            if await self._fails(one, "up again"):
                await self._recovers(one)
        for one in concerned[:1]:
            await self._cut()
            await self._fails(one, "restarted")
        return ""

    async def _fails(self, one: Wanted, state: str) -> bool:
        """Ask, and ask again after a failure: the first may only have met a connection that was cut."""
        return await self._requests.outage(one, state, _PATIENCE) and await self._requests.outage(one, state, _PATIENCE)

    async def _recovers(self, one: Wanted) -> None:
        """Ask until it answers well: some pools wait before they connect anew."""
        for _ in range(_TRIES):
            await asyncio.sleep(_PAUSE)
            if not await self._requests.outage(one, "up again", _PATIENCE):
                return

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Send all new connections to a port at which nobody listens, and which nobody else can get."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            host, port = nobody.getsockname()
            self._redirect.elsewhere = Address({**self._server.told(), "host": host, "port": port})
            try:
                yield
            finally:
                self._redirect.elsewhere = None

    async def _cut(self) -> None:
        """End all connections of this process to the server, whichever driver holds them, and let it be noticed."""
        for one in self._sockets():
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:  # it was half closed already
                continue
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _sockets(self) -> Iterator[socket.socket]:
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - as above
            try:
                with socket.socket(fileno=os.dup(int(name))) as one:
                    if one.family in (socket.AF_INET, socket.AF_INET6) and self._is_server(one.getpeername()):
                        yield one
            except OSError:  # no socket, not connected, or closed meanwhile
                continue

    def _is_server(self, peer: tuple[Any, ...]) -> bool:
        named = not set(self._server.host) <= set("0123456789.:abcdef")
        return peer[1] == self._server.port and (named or peer[0] == self._server.host)

    def _holds_others(self, engines: Iterable[Seen], pools: Iterable[Seen]) -> bool:
        """Whether a connection is in use, or outside of every pool: it would not come back."""
        from pytest_asyncdb.sandbox.pools import in_use, size

        known = 0
        for seen in engines:
            known += len(seen.open)
            if seen.made is not None and _checked_out(getattr(seen.made, "sync_engine", seen.made).pool, seen):
                return True
        for seen in pools:
            if seen.made is not None:
                known += size(seen.made)
                if in_use(seen.made):
                    return True
        return sum(1 for _ in self._sockets()) > known


def _checked_out(pool: Any, seen: Seen) -> int:
    """Count the connections that somebody works with at this moment."""
    if hasattr(pool, "checkedout"):
        return int(pool.checkedout())
    # Without a pool a connection lives as long as its work.
    return len(seen.open) if type(pool).__name__ == "NullPool" else 0
