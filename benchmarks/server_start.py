"""From nothing to the first SELECT 1, and to the end: ours against pytest-postgresql's, interleaved.

The same binaries, the same shared memory, the same driver (imported before the clock starts):

- ``warm``: a supervised server out of the cached template, behind TLS and a password;
- ``cold``: the same with an empty template cache, so initdb runs;
- ``first``: the same with no cache at all, so the certificate is made too;
- ``peer``: pytest-postgresql's own executor (trust authentication, no TLS), as its fixture runs it.

Run ``python benchmarks/server_start.py [rounds]``. Goals: warm <= 0.12 x peer, cold <= 0.75 x peer, stop <= 10 ms.
Postgres refuses root: for root the peer's ``pg_ctl`` is run as user ``postgres`` through a one-line wrapper.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from pytest_asyncdb.postgres.local import Local

if TYPE_CHECKING:
    from collections.abc import Callable

    Times = tuple[float, float]

MEMORY = Path("/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir())  # noqa: S108 - private directories inside


def main(rounds: int) -> None:
    """Measure in turns, print medians and ratios."""
    provider = Local()
    why = provider.unusable()
    if why:
        sys.exit(why)
    with tempfile.TemporaryDirectory() as directory:
        ways = _ways(provider, Path(directory))
        times: dict[str, list[Times]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                measured = way()
                if number:
                    times[name].append(measured)
    _print(times)


def _ways(provider: Local, directory: Path) -> dict[str, Callable[[], Times]]:
    cache, cold, first = (directory / name for name in ("warm", "cold", "first"))
    ways: dict[str, Callable[[], Times]] = {
        "warm": lambda: _ours(provider, cache),
        "cold": lambda: _ours(provider, cold, forget="templates"),
        "first": lambda: _ours(provider, first, forget="."),
    }
    try:
        from pytest_postgresql.executors import PostgreSQLExecutor
    except ImportError:
        print("pytest-postgresql is not installed: no peer to compare with")
    else:
        found, _ = provider._found  # noqa: SLF001 - the very binaries that the provider uses
        assert found is not None  # noqa: S101 - unusable() was asked
        ways["peer"] = lambda: _peer(PostgreSQLExecutor, found.bin)
    return ways


def _ours(provider: Local, cache: Path, forget: str = "") -> Times:
    if forget:
        shutil.rmtree(cache / "pytest-asyncdb" / forget, ignore_errors=True)
    os.environ["XDG_CACHE_HOME"] = str(cache)
    began = time.perf_counter()
    with provider.serve() as server:
        _select(host=server.host, port=server.port, user=server.user, password=server.password)
        ready = time.perf_counter()
    return ready - began, time.perf_counter() - ready


def _peer(executor_class: type, binaries: Path) -> Times:
    directory = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        control = _control(binaries, directory)
        began = time.perf_counter()
        executor = executor_class(
            executable=str(control), host="127.0.0.1", port=_free_port(), datadir=str(directory / "data"),
            unixsocketdir=str(directory), logfile=str(directory / "log"), startparams="-w", dbname="tests",
        )  # fmt: skip
        with executor:
            executor.wait_for_postgres()
            _select(host="127.0.0.1", port=executor.port, user="postgres")
            ready = time.perf_counter()
        return ready - began, time.perf_counter() - ready
    finally:
        shutil.rmtree(directory)


def _control(binaries: Path, directory: Path) -> Path:
    if os.geteuid() != 0:
        return binaries / "pg_ctl"
    shutil.chown(directory, "postgres")
    wrapper = directory / "pg_ctl"
    wrapper.write_text(
        f'#!/bin/sh\nexec setpriv --reuid=postgres --regid=postgres --clear-groups {binaries}/pg_ctl "$@"\n'
    )
    wrapper.chmod(0o755)
    return wrapper


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _select(**where: str | int) -> None:
    async def run() -> None:
        while True:  # the peer's fixture may be done while its server is not yet
            try:
                connection = await asyncpg.connect(**where, database="postgres", ssl=False)
                break
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.005)
        await connection.fetchval("SELECT 1")
        await connection.close()

    asyncio.run(run())


def _print(times: dict[str, list[Times]]) -> None:
    starts = {name: statistics.median(start for start, _ in values) for name, values in times.items()}
    print(
        f"{'way':<6} {'start ms':>9} {'min':>7} {'x peer':>7} {'stop ms':>8} {'min':>7}   ({len(times['warm'])} rounds)"
    )
    for name, values in times.items():
        ratio = f"{starts[name] / starts['peer']:>7.2f}" if "peer" in starts else f"{'-':>7}"
        fastest, stop, least = min(values)[0], statistics.median(s for _, s in values), min(s for _, s in values)
        row = (f"{milliseconds * 1000:>7.1f}" for milliseconds in (starts[name], fastest))
        print(f"{name:<6}  {' '.join(row)} {ratio} {stop * 1000:>8.1f} {least * 1000:>7.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
