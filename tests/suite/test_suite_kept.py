"""``--asyncdb-keep`` keeps what the failed tests of a suite have committed, each in a database of its own."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

FAILING = """
import asyncio
import pytest
import pytest_asyncdb.suite
from sqlalchemy import text

class TestEngines(pytest_asyncdb.suite.EngineSuite):
    drivers = ("asyncpg",)
    deviations = {"test_mine_expected": "on purpose"}

    @pytest.fixture
    def breaks(self):
        yield
        assert 0

    async def add(self, case, name):
        engine = await case.engine()
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO suite_author (name) VALUES (:name)"), {"name": name})
        return engine

    async def test_mine_first(self, case):
        await self.add(case, "first")
        assert 0

    async def test_mine_passes(self, case):
        await self.add(case, "passed")

    async def test_mine_expected(self, case):
        await self.add(case, "expected")
        assert 0

    async def test_mine_connected(self, case):
        engine = await self.add(case, "connected")
        connection = self.__class__.connection = await engine.connect()
        await connection.execute(text("INSERT INTO suite_author (name) VALUES ('not committed')"))
        self.__class__.other = await self.create_engine(case.url).connect()
        assert 0

    async def test_mine_late(self, case, breaks):
        await self.add(case, "late")

class TestLast(TestEngines):
    async def test_mine_last(self, case):
        await self.add(case, "last")
        assert 0
"""
KEPT = re.compile(
    r"^test_it\.py::(\w+::\w+)\[asyncpg\]\n    PGPASSFILE=(\S+) psql -h (\S+) -p (\d+) -U postgres (asyncdb_\w+)$",
    re.MULTILINE,
)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_each_failed_test_has_what_it_committed(suites, workers, request):
    run = suites(FAILING, "--asyncdb-keep", "-p", "no:randomly", "-k", "mine", workers)
    end = re.search(r"to end it now: rm (\S+)$", run.output, re.MULTILINE)
    assert end, run.output
    request.addfinalizer(Path(end[1]).unlink)
    saw = {}
    for test, passfile, host, port, name in KEPT.findall(run.output):
        with psycopg.connect(host=host, port=port, user="postgres", dbname=name, passfile=passfile) as connection:
            saw[test] = [row[0] for row in connection.execute("SELECT name FROM suite_author")]
            databases = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'asyncdb%'").fetchone()
    both = {"test_mine_first": ["first"], "test_mine_connected": ["connected"]}
    expected = {f"{name}::{test}": rows for name in ("TestEngines", "TestLast") for test, rows in both.items()}
    assert saw == {**expected, "TestLast::test_mine_last": ["last"]}, run.output
    assert databases == (len(saw),), "those of the classes are dropped"
    late = "    not kept: the test failed in its teardown, which is too late to keep what it saw"
    assert f"test_it.py::TestEngines::test_mine_late[asyncpg]\n{late}\n" in run.output
