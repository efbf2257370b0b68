"""Template databases: a schema is built once on a server, and every database after that is a copy of it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import asyncpg  # type: ignore[import-untyped]  # it has no annotations

from pytest_asyncdb.postgres.databases import drop, send_away
from pytest_asyncdb.postgres.protocol import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sqlalchemy import MetaData

    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.postgres.databases import Databases

STEP = 0.02
"""Seconds between two looks whether another worker has built the template."""
_NOT_SOURCE = ("__pycache__", ".git")


def template_for(databases: Databases, key: str, build: Callable[[Server], object]) -> str:
    """The name of the template database for a schema, for ``Databases.create``; built if the server has none yet.

    Of all workers that ask at the same time one builds, and the others wait for it. When it fails or is killed, the
    next one tries.

    Args:
        databases: of the server.
        key: says what the template holds, e.g. ``key_of_metadata``; another schema must have another key.
        build: fills the empty database that it is given, and disconnects.

    Raises:
        ServerError: the server refused.
    """
    digest = hashlib.sha256(key.encode()).digest()
    name = f"{PREFIX}tpl_{digest[:12].hex()}"
    lock = int.from_bytes(digest[:8], "big", signed=True)
    if not databases.link.run(lambda connection: _turn(connection, name, lock)):
        return name
    try:
        made = databases.create()
        try:
            build(made)
            databases.link.run(lambda connection: _finish(connection, made.database, name))
        except BaseException:
            databases.drop(made.database)
            raise
    finally:
        databases.link.run(lambda connection: connection.execute("SELECT pg_advisory_unlock($1)", lock))
    return name


async def _turn(connection: asyncpg.Connection, name: str, lock: int) -> bool:
    """Wait until the template is there (False), or until it is our turn to build it (True)."""
    while not await _is_there(connection, name):
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
            await asyncio.sleep(STEP)
        elif await _is_there(connection, name):  # whoever had the lock has built it since we looked
            await connection.execute("SELECT pg_advisory_unlock($1)", lock)
        else:
            return True
    return False


async def _is_there(connection: asyncpg.Connection, name: str) -> bool:
    return bool(await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name))


async def _finish(connection: asyncpg.Connection, made: str, name: str) -> None:
    """Let nobody in any more, and give it its name: whatever has that name is complete.

    A name that is taken meanwhile was taken by another run on the same server, with the same schema.
    """
    await connection.execute(f"ALTER DATABASE {made} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")
    await send_away(connection, made)
    try:
        await connection.execute(f"ALTER DATABASE {made} RENAME TO {name}")
    except asyncpg.DuplicateDatabaseError:
        await drop(connection, made)


def key_of_metadata(metadata: MetaData) -> str:
    """Names the schema that ``create_all`` makes: all of its DDL, as text."""
    from sqlalchemy import create_mock_engine

    statements: list[str] = []

    def note(statement: object, *_: object, **__: object) -> None:
        compiled = statement.compile(dialect=engine.dialect) if hasattr(statement, "compile") else statement
        statements.append(str(compiled))

    engine = create_mock_engine("postgresql+asyncpg://", note)
    metadata.create_all(engine, checkfirst=False)
    return "\n".join(statements)


def key_of_files(paths: Iterable[Path]) -> str:
    """Names what files, and all files in folders, hold, e.g. a folder of migrations."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            if not set(_NOT_SOURCE) & set(file.parts):
                name = file.relative_to(path).as_posix() if path.is_dir() else file.name
                content = file.read_bytes()
                total.update(f"{name}\0{len(content)}\0".encode())
                total.update(content)
    return total.hexdigest()
