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
MISSED = "asyncdb_not_kept"
"""Where it carries why one of them is not kept, by its name."""
TOO_LATE = "the test failed in its teardown, which is too late to keep what it saw"
_HINT = 'a test with @pytest.mark.asyncdb(isolation="database") is kept in any case'
PORT = 5432
MINUTE = 60


class Keeper:
    """Knows which databases failed tests had: of this process, and (from the reports) of the whole run."""

    _KEY: pytest.StashKey[Keeper] = pytest.StashKey()

    def __init__(self, config: pytest.Config, minutes: float) -> None:
        self._config = config
        self._minutes = minutes
        self._names: set[str] = set()
        self._missed: dict[str, str] = {}
        """Why one is not there, by its name; of this process, for the next report."""
        self._reasons: dict[str, str] = {}
        """The same of the whole run."""
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

    @classmethod
    def misses(cls, config: pytest.Config, name: str, reason: str) -> None:
        """Be told that a database that is to be kept can't be."""
        config.stash[cls._KEY]._missed[name] = reason  # noqa: SLF001 - its own class

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the databases of a test that fails, here and in the report, which may go to another process."""
        report = yield
        if report.failed:
            values = getattr(item, "funcargs", {})
            for test in _tests(values):
                self._name(test, report.when)
            had = list(dict.fromkeys(_databases(values)))
            self._names.update(name for *_, name in had)
            vars(report)[REPORTED] = had
        vars(report)[MISSED], self._missed = self._missed, {}
        return report

    def _name(self, test: object, when: str | None) -> None:
        """Say where what a test has in its transaction is to be kept; the report may be on its way before it is."""
        from pytest_asyncdb.postgres.databases import fresh_name

        if getattr(test, "keep_as", None) == "":
            name = fresh_name()
            vars(test)["keep_as"] = name
            if when == "teardown":
                self._missed[name] = TOO_LATE

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect them, from wherever the test ran."""
        self._reasons.update(vars(report).get(MISSED, {}))
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
            kept = {name: tests for name, tests in mine.items() if name not in self._reasons}
            for line in _given(request, server, kept) if server.owner else self._ours(server, kept):
                terminalreporter.write_line(line)
            for line in self._not_kept(mine):
                terminalreporter.write_line(line)

    def _not_kept(self, tests: Mapping[str, list[str]]) -> Iterator[str]:
        reasons = {name: self._reasons[name] for name in tests if name in self._reasons}
        for name, reason in reasons.items():
            yield from tests[name]
            yield f"    not kept: {reason}"
        if reasons:
            yield f"asyncdb: {_HINT}"

    def _ours(self, server: Server, kept: Mapping[str, list[str]]) -> Iterator[str]:
        if not kept:
            return
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

    if not kept:
        return
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


def _tests(values: Mapping[str, object]) -> list[object]:
    """What a test works in, of the fixtures or of a conformance suite, by the values of its fixtures."""
    names = ("_asyncdb_test", "case") if "_asyncdb_suite" in values else ("_asyncdb_test",)
    return [values[name] for name in names if name in values]


def _databases(values: Mapping[str, object]) -> Iterator[Database]:
    """Ours that a test had: the one it worked in and those that it made, or else those that a fixture's URL names."""
    tests = _tests(values)
    own = (*map(_kept, tests), *getattr(values.get("asyncdb_database"), "urls", ()))
    for url in own if tests else values.values():
        with suppress(ValueError):  # some other text, and no URL
            parts = urlsplit(url if isinstance(url, str) else "")
            name = parts.path.removeprefix("/")
            if name.startswith(PREFIX) and parts.hostname and parts.port:
                yield parts.hostname, parts.port, name


def _kept(test: object) -> str:
    url, name = getattr(test, "url", ""), getattr(test, "keep_as", "")
    return f"{url.rpartition('/')[0]}/{name}" if name else url
