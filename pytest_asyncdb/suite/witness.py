"""Looks at the database of a suite from outside: a connection that has nothing to do with what is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_mock_engine

from pytest_asyncdb.fixtures.server import DatabaseURL
from pytest_asyncdb.postgres.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg  # type: ignore[import-untyped]  # it has no annotations
    from sqlalchemy import MetaData, Table

    from pytest_asyncdb.model.server import Server

_TLS = {"asyncpg": "ssl", "psycopg": "sslmode"}
_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_CLIENTS = f"{_OTHERS} AND backend_type = 'client backend'"


@dataclass(frozen=True, slots=True)
class Backend:
    """What the server knows of a connection."""

    pid: int
    state: str
    """``idle``, ``idle in transaction``, ``active`` and so on."""
    query: str
    """The last statement."""

    def __str__(self) -> str:
        """For the message of a failed test."""
        return f"{self.state} ({' '.join(self.query.split())[:60]})"


class Witness:
    """Sees what is committed, and who is connected. Its calls wait for the server; they await nothing.

    Args:
        server: with the database of the suite.
    """

    def __init__(self, server: Server) -> None:
        """Nothing connects yet."""
        self.server = server
        self._link = Link(server)
        self._tables: list[str] = []
        self._dialect = create_mock_engine("postgresql+asyncpg://", lambda *_: None).dialect

    def make(self, metadata: Iterable[MetaData]) -> None:
        """Make the tables."""
        statements: list[str] = []

        def note(sql: Any, *_: object, **__: object) -> None:
            statements.append(str(sql.compile(dialect=self._dialect)))

        for one in metadata:
            one.create_all(create_mock_engine("postgresql+asyncpg://", note), checkfirst=False)
            self._tables += map(self._quoted, reversed(one.sorted_tables))
        self.run(";".join(statements))

    def url(self, driver: str) -> DatabaseURL:
        """Of the database, for a driver; without TLS where the server is ours: each test connects anew."""
        plain = "" if self.server.provider == "url" else f"?{_TLS[driver]}=disable"
        return DatabaseURL(f"{self.server.url(f'postgresql+{driver}')}{plain}")

    def run(self, sql: str) -> None:
        """Run one or more statements; each is committed."""
        self._link.run(lambda connection: connection.execute(sql))

    def column(self, sql: str, *values: object) -> list[object]:
        """The first column of what a query answers."""

        async def fetch(connection: asyncpg.Connection) -> list[object]:
            return [row[0] for row in await connection.fetch(sql, *values)]

        return self._link.run(fetch)

    def names(self, table: Table) -> list[object]:
        """What everyone sees in the column ``name`` of a table."""
        return self.column(f"SELECT name FROM {self._quoted(table)} ORDER BY 1")  # noqa: S608 - names of mapped tables

    def backends(self) -> list[Backend]:
        """The connections of others to the database."""

        async def fetch(connection: asyncpg.Connection) -> list[Backend]:
            rows = await connection.fetch(f"SELECT pid, state, query {_CLIENTS} ORDER BY pid")
            return [Backend(pid, state or "", query or "") for pid, state, query in rows]

        return self._link.run(fetch)

    def end_all(self) -> None:
        """End the connections of others, as a restart of the server does."""
        self.column(f"SELECT pg_terminate_backend(pid) {_CLIENTS}")

    def clean(self) -> None:
        """Be as at the beginning, whatever a test left behind."""
        self.end_all()
        self.run(";".join(f"DELETE FROM {table}" for table in self._tables))  # noqa: S608

    def _quoted(self, table: Table) -> str:
        return self._dialect.identifier_preparer.format_table(table)

    def close(self) -> None:
        """Disconnect."""
        self._link.close()
