"""A database of its own for each test: ours against pytest-postgresql's, interleaved, in shared memory and on disk.

Both copy a template with 20 tables, connect, write three rows and read one, disconnect and drop the database; each on
the server that the tool starts by itself, from the same binaries. Then eight copies at once against one alone.

Run ``python benchmarks/databases.py [--rounds=30] [--server=local|embedded] [--disk=DIRECTORY]``. Goals: <= 0.6 x
pytest-postgresql in shared memory, <= 0.15 x on disk; eight at once <= 5 x one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import peers
from server_start import MEMORY, PEER, bin_of
from table import Table

from pytest_asyncdb.postgres import binaries
from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from table import Way

    from pytest_asyncdb.model.server import Server

TABLES = 20
AT_ONCE = 8
SCHEMA = "".join(
    f"CREATE TABLE thing_{n} (id serial PRIMARY KEY, name text NOT NULL UNIQUE, made timestamptz DEFAULT now());"
    for n in range(TABLES)
)
NUMBERS = count()


def main() -> None:
    """Measure in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--server", choices=("local", "embedded"), default="embedded")
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()), help="a directory that is on a disk")
    options = parser.parse_args()
    disk = f"a disk ({_file_system(options.disk)})"
    for name, theirs, ours in (
        ("shared memory", MEMORY, {"pytest-asyncdb": MEMORY}),
        (disk, options.disk, {"pytest-asyncdb, as it comes": MEMORY, "pytest-asyncdb, on the disk too": options.disk}),
    ):
        with ExitStack() as stack:
            table = Table(("create, use, drop",))
            table.measure(_ways(stack, options.server, theirs, ours), options.rounds)
            print(f"\nWhere temporary files are in {name}, {options.rounds} rounds, binaries: {options.server}\n")
            table.print(PEER)
    with choose(options.server).provider.serve() as server:
        table = Table(("create",))
        with _template(server) as template:
            alone = Databases(server)
            stack = [Databases(server) for _ in range(AT_ONCE)]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                ways: dict[str, Way] = {
                    "one": lambda: _copies([alone], template, pool),
                    f"{AT_ONCE} at once": lambda: _copies(stack, template, pool),
                }
                table.measure(ways, options.rounds)
            for one in (alone, *stack):
                one.__exit__(None, None, None)
        print(f"\nCopies of one template in shared memory, {options.rounds} rounds\n")
        table.print("one")


def _ways(stack: ExitStack, request: str, theirs: Path, ours: dict[str, Path]) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    for name, place in ours.items():
        server = stack.enter_context(_serving_in(place, request))
        databases = stack.enter_context(Databases(server))
        ways[name] = partial(_ours, databases, stack.enter_context(_template(server)))
    try:
        where = stack.enter_context(peers.pytest_postgresql(bin_of(choose(request).provider), theirs))
        janitor_class = peers.module("pytest_postgresql.janitor").DatabaseJanitor
    except peers.NotHereError as error:
        why = str(error)

        def absent() -> tuple[float]:
            raise peers.NotHereError(why)

        ways[PEER] = absent
        return ways
    _run(where, "CREATE DATABASE model")
    _fill(**where, database="model")
    ways[PEER] = lambda: _theirs(janitor_class, where)
    return ways


@contextmanager
def _serving_in(place: Path, request: str) -> Iterator[Server]:
    """Our server with its data in a place, whichever it would prefer."""
    original, binaries.bases = binaries.bases, lambda: (str(place),)
    try:
        with choose(request).provider.serve() as server:
            yield server
    finally:
        binaries.bases = original


@contextmanager
def _template(server: Server) -> Iterator[str]:
    with Databases(server) as databases:
        made = databases.create()
        _fill(host=made.host, port=made.port, user=made.user, password=made.password, database=made.database)
        yield made.database


def _ours(databases: Databases, template: str) -> tuple[float]:
    began = time.perf_counter()
    made = databases.create(template=template)
    _use(host=made.host, port=made.port, user=made.user, password=made.password, database=made.database)
    databases.drop(made.database)
    return (time.perf_counter() - began,)


def _theirs(janitor_class: type, where: peers.Where) -> tuple[float]:
    name = f"tests_{next(NUMBERS)}"
    began = time.perf_counter()
    with janitor_class(dbname=name, template_dbname="model", **where):
        _use(**where, database=name)
    return (time.perf_counter() - began,)


def _copies(by: list[Databases], template: str, pool: ThreadPoolExecutor) -> tuple[float]:
    began = time.perf_counter()
    made = list(pool.map(lambda databases: databases.create(template=template), by))
    seconds = time.perf_counter() - began
    for databases, one in zip(by, made, strict=True):
        databases.drop(one.database)
    return (seconds,)


def _use(**where: object) -> None:
    async def use() -> None:
        connection = await asyncpg.connect(**where, ssl=False)
        for number in range(3):
            await connection.execute("INSERT INTO thing_1 (name) VALUES ($1)", f"name {number}")
        await connection.fetch("SELECT * FROM thing_1")
        await connection.close()

    asyncio.run(use())


def _fill(**where: object) -> None:
    _run(where, SCHEMA)


def _run(where: dict[str, object], statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(**{"database": "postgres", **where}, ssl=False)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def _file_system(place: Path) -> str:
    """The type of the file system, where the machine tells."""
    best = ("", "?")
    try:
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mount, kind, *_ = line.split()
            if os.fspath(place.resolve()).startswith(mount) and len(mount) >= len(best[0]):
                best = (mount, kind)
    except OSError:
        pass
    return best[1]


if __name__ == "__main__":
    main()
