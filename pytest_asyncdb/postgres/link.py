"""A connection of ours to a server, kept open in a thread and event loop of its own.

Whoever asks may be inside a running event loop, in which a blocking call could not run another one.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import asyncpg  # type: ignore[import-untyped]  # it has no annotations

from pytest_asyncdb.postgres.protocol import ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pytest_asyncdb.model.server import Server

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds to connect, and for one statement."""
FAREWELL = 0.05
"""Seconds for a refused TLS connection to close: asyncpg does not wait, and an open transport is a warning."""
PORT = 5432
"""In the name of a server's own socket."""


class Link:
    """A connection, opened when it is first used, and again when it was lost. Safe to use from any thread.

    Args:
        server: connects to ``server.database``.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connection: asyncpg.Connection | None = None

    def run(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Do something on the connection, and wait until it is done.

        Raises:
            ServerError: the server cannot be reached, or refuses.
        """

        async def connected() -> T:
            if self._connection is None or self._connection.is_closed():
                self._connection = await _connect(self._server)
            return await work(self._connection)

        try:
            return self._wait(connected())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            where = f"{self._server.user}@{self._server.host}:{self._server.port}/{self._server.database}"
            raise ServerError(f"{where}: {error or 'no answer in time'} ({type(error).__name__})") from error

    def close(self) -> None:
        """Close the connection and end the thread; a later use opens another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None:
                return
            if self._connection is not None:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                    self._wait(self._connection.close(timeout=PATIENCE))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            self._loop = self._thread = self._connection = None

    def _wait(self, coroutine: Coroutine[object, object, T]) -> T:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.SelectorEventLoop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="asyncdb-link", daemon=True)
                self._thread.start()
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            try:
                return future.result()
            except BaseException:
                future.cancel()  # on Ctrl-C it is still under way
                raise


def _run(loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop):
        loop.run_forever()


async def _connect(server: Server) -> asyncpg.Connection:
    host, port = (server.socket, PORT) if server.socket else (server.host, server.port)
    try:
        return await asyncpg.connect(
            host=host,
            port=port,
            user=server.user,
            password=server.password,
            database=server.database,
            ssl="prefer" if server.provider == "url" else False,  # ours is on this machine
            timeout=PATIENCE,
            command_timeout=PATIENCE,
        )
    except Exception:
        await asyncio.sleep(FAREWELL)
        raise
