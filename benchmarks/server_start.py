"""From nothing to the first SELECT 1, and to the end: ours against others', interleaved, on shared memory.

The same binaries where the peer lets one choose, the same driver (imported before the clock starts):

- ``warm``: a supervised server out of the cached template, behind TLS and a password;
- ``cold``: the same with an empty template cache, so initdb runs;
- ``first``: the same with no cache at all, so the certificate is made too;
- ``container``: ours, beside testcontainers as it comes with the same image;
- pytest-postgresql's executor as its fixture runs it, testing.postgresql, and the wrappers that the wheels bring along.

Run ``python benchmarks/server_start.py [--rounds=9] [--server=local|embedded] [--containers]``. Goals: warm <= 0.12 x
pytest-postgresql, cold <= 0.75 x, stop <= 10 ms, container <= 0.5 x plain testcontainers. Run it as an ordinary user:
for root some peers are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import peers
from table import Table

from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.docker import configured_image

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from table import Way

    from pytest_asyncdb.postgres.protocol import Provider

MEMORY = Path("/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir())  # noqa: S108 - private directories inside
PEER, PLAIN = "pytest-postgresql", "plain testcontainers"


def main() -> None:
    """Measure in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--server", choices=("local", "embedded"), default="embedded")
    parser.add_argument("--containers", action="store_true", help="measure containers too (seconds a round)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        table = Table(("start", "stop"))
        ours = choose(options.server).provider
        table.measure(_of_binaries(ours, Path(directory)), options.rounds)
        print(f"Binaries: {options.server}, {options.rounds} rounds\n")
        table.print(PEER)
        if options.containers:
            table = Table(("start", "stop"))
            table.measure(_of_containers(Path(directory)), options.rounds)
            print(f"\nContainers: {configured_image()}, {options.rounds} rounds\n")
            table.print(PLAIN)


def _of_binaries(provider: Provider, directory: Path) -> dict[str, Way]:
    cache, cold, first = (directory / name for name in ("warm", "cold", "first"))
    with provider.serve() as server:
        sys.stderr.write(f"Postgres {server.version}\n")
    binaries = bin_of(provider)
    ways: dict[str, Way] = {
        "pytest-asyncdb, warm": lambda: _ours(provider, cache),
        "pytest-asyncdb, cold": lambda: _ours(provider, cold, forget="templates"),
        "pytest-asyncdb, first": lambda: _ours(provider, first, forget="."),
        PEER: lambda: _timed(peers.pytest_postgresql(binaries, MEMORY)),
        "testing.postgresql": lambda: _timed(peers.testing_postgresql(binaries, MEMORY)),
    }
    for name in peers.MODULE_OF_WHEEL:
        ways[f"{name}'s wrapper"] = _of_wheel(name)
    return ways


def _of_wheel(name: str) -> Way:
    return lambda: _timed(peers.wheel(name)(Path(), MEMORY))


def _of_containers(directory: Path) -> dict[str, Way]:
    provider = choose("docker").provider
    return {
        "pytest-asyncdb, container": lambda: _ours(provider, directory / "container"),
        PLAIN: lambda: _timed(peers.plain_testcontainers(Path(), MEMORY)),
    }


def bin_of(provider: Provider) -> Path:
    """The very binaries that the provider uses."""
    from pytest_asyncdb.postgres.embedded import Embedded
    from pytest_asyncdb.postgres.local import Local

    if isinstance(provider, Embedded):
        return provider._binaries(provider._package).bin  # noqa: SLF001 - nobody else needs to know
    if isinstance(provider, Local):
        return provider._found[0].bin  # noqa: SLF001 - as above
    raise TypeError(provider.name)


def _ours(provider: Provider, cache: Path, forget: str = "") -> tuple[float, float]:
    if forget:
        shutil.rmtree(cache / "pytest-asyncdb" / forget, ignore_errors=True)
    os.environ["XDG_CACHE_HOME"] = str(cache)
    began = time.perf_counter()
    with provider.serve() as server:
        _select(host=server.host, port=server.port, user=server.user, password=server.password)
        ready = time.perf_counter()
    ended = time.perf_counter()
    time.sleep(1.0 if forget else 0.0)  # the new template is written meanwhile: not in somebody else's time
    return ready - began, ended - ready


def _timed(serving: AbstractContextManager[peers.Where]) -> tuple[float, float]:
    began = time.perf_counter()
    with serving as where:
        _select(**where)
        ready = time.perf_counter()
    return ready - began, time.perf_counter() - ready


def _select(**where: str | int) -> None:
    async def run() -> None:
        while True:  # the peer's fixture may be done while its server is not yet
            try:
                connection = await asyncpg.connect(**{"database": "postgres", **where}, ssl=False)
                break
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.005)
        await connection.fetchval("SELECT 1")
        await connection.close()

    asyncio.run(run())


if __name__ == "__main__":
    main()
