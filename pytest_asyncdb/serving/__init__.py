"""The servers of a pytest run: one for each that is asked for, started by the first test that needs it.

With xdist the controller has them and the workers ask it, so that a worker that dies takes none along. Importing this
loads nothing heavy: every controller does, whether its tests use a server or not.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.serving.broker import Broker, NobodyListensError, ask

if TYPE_CHECKING:
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.postgres.databases import Databases
    from pytest_asyncdb.postgres.thread import ServerThread

HANDED_OVER = "asyncdb_broker"
"""Where in a worker's input it reads whom to ask."""
WANTED = "asyncdb_server:"
"""How the reason begins for which a test has no server."""


class Serving:
    """The servers that this process has, or knows whom to ask for. Lives in ``config.stash``; safe from any thread."""

    _KEY: pytest.StashKey[Serving] = pytest.StashKey()

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._threads: dict[str, ServerThread] = {}
        self._lock = threading.Lock()
        self._broker: Broker | None = None
        self._databases: dict[Server, Databases] = {}

    @classmethod
    def of(cls, config: pytest.Config) -> Serving:
        """The run's; made when it is first asked for, and closed with the run. To be called from the main thread."""
        if cls._KEY not in config.stash:
            config.stash[cls._KEY] = serving = cls(config)
            config.add_cleanup(serving.close)
            config.pluginmanager.register(serving, "asyncdb-serving")
        return config.stash[cls._KEY]

    def address(self) -> dict[str, str]:
        """Whom the workers are to ask: a broker, listening from now on."""
        if self._broker is None:
            self._broker = Broker(self._start)
        return self._broker.address

    def server(self, request: str) -> Server:
        """The server for a request, e.g. ``auto``, ready; started when it was not asked for before.

        Raises:
            NoProviderError, UnknownProviderError, ServerError: there is none; the text names the ways out.
        """
        given: dict[str, dict[str, str]] = getattr(self._config, "workerinput", {})
        if HANDED_OVER in given:
            with suppress(NobodyListensError):  # a worker on another machine cannot reach its controller
                return ask(given[HANDED_OVER], request)
        return self._start(request)

    def databases(self, server: Server) -> Databases:
        """Those on a server, over a connection that this process keeps until the end of the run."""
        from pytest_asyncdb.postgres.databases import Databases

        with self._lock:
            return self._databases.setdefault(server, Databases(server))

    def release(self, server: Server, name: str) -> None:
        """Drop a database that a fixture no longer needs, unless a failed test had it and such are to be kept.

        Raises:
            ServerError: the server refused.
        """
        from pytest_asyncdb.serving.keep import Keeper

        if not Keeper.keeps(self._config, name):
            self.databases(server).drop(name)
        elif server.owner:
            self.databases(server).keep(name)

    def running(self) -> tuple[tuple[str, Server], ...]:
        """The servers of this process that are ready, each with what was asked for."""
        with self._lock:
            return tuple((request, one.served) for request, one in self._threads.items() if one.served is not None)

    def close(self) -> None:
        """Stop all servers, and wait until they are gone."""
        if self._broker is not None:
            self._broker.close()
        for _, server in self.running():
            if server.owner:
                self._clear(server)
        for databases in self._databases.values():
            databases.link.close()
        for thread in tuple(self._threads.values()):
            thread.__exit__(None, None, None)

    def _clear(self, server: Server) -> None:
        """Drop what the run, its templates and its killed workers too, still has on a server that lives on."""
        from pytest_asyncdb.postgres.protocol import ServerError

        with suppress(ServerError):  # the next run drops it
            self.databases(server).drop_where(server.owner.__eq__)

    def _start(self, request: str) -> Server:
        from pytest_asyncdb.options import settings_of
        from pytest_asyncdb.postgres.thread import ServerThread

        with self._lock:
            thread = self._threads.get(request)
            if thread is None:
                settings = settings_of(self._config)
                thread = ServerThread(request, settings.server_timeout, settings.extensions, self._tell)
                self._threads[request] = thread
                thread.begin()
        return thread.server()

    def _tell(self, line: str) -> None:
        """Say it at once, past pytest's capture: a test is waiting for its server."""
        self._config.get_terminal_writer().line(f"\nasyncdb: {line}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which servers the fixtures had, since they start after the header; and what was skipped for want of one."""
        from pytest_asyncdb.serving.told import served, skipped

        lines = list(skipped(terminalreporter.stats.get("skipped", ())))
        verbosity = self._config.option.verbose
        if verbosity >= 0:
            lines += [line for thread in self._threads.values() for line in served(thread, verbose=verbosity > 0)]
        if lines:
            terminalreporter.write_sep("-", "asyncdb fixtures")
        for line in lines:
            terminalreporter.write_line(line)
