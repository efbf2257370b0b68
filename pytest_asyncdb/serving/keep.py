"""``--asyncdb-keep``: the databases of failed tests stay, and the summary says how to look into them.

On a server of ours that means that the server outlives the run: for a limited time, held by its supervisor, which the
run asks for that at its very end. A run that is killed has not asked.
"""

from __future__ import annotations

import os
import shlex
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import pytest

from pytest_asyncdb.postgres.protocol import PREFIX

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from pytest_asyncdb.model.server import Server

    Database: TypeAlias = tuple[str, int, str]
    """Host, port and name."""

REPORTED = "asyncdb_databases"
"""Where a report carries those that its test had."""
PORT = 5432
MINUTE = 60


class Keeper:
    """Knows which databases failed tests had: of this process, and (from the reports) of the whole run."""

    _KEY: pytest.StashKey[Keeper] = pytest.StashKey()

    def __init__(self, config: pytest.Config, minutes: float) -> None:
        self._config = config
        self._minutes = minutes
        self._names: set[str] = set()
        self._tests: dict[Database, list[str]] = {}

    @classmethod
    def begin(cls, config: pytest.Config) -> None:
        """Keep what failed tests had."""
        from pytest_asyncdb.options import keep_minutes

        config.stash[cls._KEY] = keeper = cls(config, keep_minutes(config))
        config.pluginmanager.register(keeper, "asyncdb-keep")

    @classmethod
    def keeps(cls, config: pytest.Config, name: str) -> bool:
        """Whether a database is to stay: a failed test of this process had it."""
        keeper = config.stash.get(cls._KEY, None)
        return keeper is not None and name in keeper._names  # noqa: SLF001 - its own class

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the databases of a test that fails, here and in the report, which may go to another process."""
        report = yield
        if report.failed:
            had = list(dict.fromkeys(_databases(getattr(item, "funcargs", {}))))
            self._names.update(name for *_, name in had)
            vars(report)[REPORTED] = had
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect them, from wherever the test ran."""
        for host, port, name in vars(report).get(REPORTED, ()):
            tests = self._tests.setdefault((host, port, name), [])
            if report.nodeid not in tests:
                tests.append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell how to connect, and let the servers live."""
        if not self._tests:
            return
        from pytest_asyncdb.serving import Serving

        terminalreporter.write_sep("-", "asyncdb: kept databases")
        for request, server in Serving.of(self._config).running():
            mine = {name: tests for (host, port, name), tests in self._tests.items() if _at(server) == (host, port)}
            if not mine:
                continue
            for line in _given(request, server, mine) if server.owner else self._ours(server, mine):
                terminalreporter.write_line(line)

    def _ours(self, server: Server, kept: Mapping[str, list[str]]) -> Iterator[str]:
        why = _unkeepable(server)
        if why:
            yield f"asyncdb: nothing is kept: {why}"
            return
        lease = server.workspace / "keep"
        passfile = server.workspace / "pgpass"
        passfile.touch(0o600)
        passfile.write_text(f"{server.host}:{server.port}:*:{server.user}:{server.password}\n", "utf-8")
        lease.write_text(f"{self._minutes * MINUTE}", "ascii")
        until = time.strftime("%H:%M", time.localtime(time.time() + self._minutes * MINUTE))
        end = shlex.join(["rm", os.fspath(lease)])
        yield f"asyncdb: Postgres {server.version} ({server.provider}) lives until {until}; to end it now: {end}"
        secret = f"PGPASSFILE={shlex.quote(os.fspath(passfile))} "
        yield from _lines(kept, secret, server.host, server.port, server.user)


def _given(request: str, server: Server, kept: Mapping[str, list[str]]) -> Iterator[str]:
    """Of a server of the user's, under its own address: ours ends with the run."""
    from pytest_asyncdb.urls.parse import parse_url

    given = parse_url(request)
    host, port = given.host or server.host, given.port or PORT
    yield "asyncdb: these databases stay on your server until you drop them"
    yield from _lines(kept, "", host, port, server.user)


def _lines(kept: Mapping[str, list[str]], secret: str, host: str, port: int | str, user: str) -> Iterator[str]:
    for name, tests in kept.items():
        yield from tests
        yield f"    {secret}{shlex.join(['psql', '-h', host, '-p', str(port), '-U', user, name])}"


def _unkeepable(server: Server) -> str:
    """Why a server of ours cannot outlive the run."""
    from pytest_asyncdb.postgres.engine import endpoint

    if server.provider == "docker" and endpoint() is None:
        return "the container engine is reached through its client alone, which ends with the run"
    return ""


def _at(server: Server) -> tuple[str, int]:
    return server.host, server.port


def _databases(values: Mapping[str, object]) -> Iterator[Database]:
    """Ours that a test had: the one it worked in and those that it made, or else those that a fixture's URL names."""
    test = values.get("_asyncdb_test")
    own = (getattr(test, "url", ""), *getattr(values.get("asyncdb_database"), "urls", ()))
    for url in values.values() if test is None else own:
        with suppress(ValueError):  # some other text, and no URL
            parts = urlsplit(url if isinstance(url, str) else "")
            name = parts.path.removeprefix("/")
            if name.startswith(PREFIX) and parts.hostname and parts.port:
                yield parts.hostname, parts.port, name
