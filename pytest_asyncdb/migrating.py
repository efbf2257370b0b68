"""Runs a project's migrations beside the import of its app: a child of its own, whose end the app waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.model.services import refusal
from pytest_asyncdb.sandbox.record import MigrationRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.facts.migrations import Migrations
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sandbox.launch import Boot, Child
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sandbox.request import BootRequest

_OTHERS = frozenset({"sqlite", "mysql", "mariadb", "oracle", "mssql", "cockroachdb", "clickhouse"})


class Migrator:
    """One upgrade of one database.

    Args:
        found: the migrations.
        request: how the app is booted: they get the same environment and import root.
        settings: how long they may take.
        spawn: starts a child for a request.
    """

    def __init__(
        self, found: Migrations, request: BootRequest, settings: Settings, spawn: Callable[[BootRequest], Child]
    ) -> None:
        """Start the child; it imports what it needs and waits for the server only when it connects."""
        from pytest_asyncdb.sandbox.request import MigrationRequest

        self._command = found.command
        order = MigrationRequest(found.kind, found.command, found.config, settings.migrate_timeout)
        cwd = (request.project / found.cwd).resolve()
        own = replace(request, cwd=cwd, migration=order)
        self._boot: Boot = spawn(own).boot(own, complete=False)

    def complete(self, secrets: tuple[str, ...]) -> None:
        """Say what is secret; the child tells nothing before."""
        self._boot.complete((), secrets)

    def upgrade(self, server: Server) -> None:
        """Hand the database over and wait until it is upgraded, or can't be."""
        self._boot.serve(server)
        self._boot.result()

    def doing(self) -> tuple[str, str]:
        """Whether they still run, and where they stood when that was last asked."""
        what, place = self._boot.doing()
        return (f"running `{self._command}`", place) if what else ("", "")

    def ask(self) -> None:
        """Ask where they stand."""
        self._boot.ask()

    def kill(self) -> None:
        """End the child, if it still runs."""
        self._boot.kill()

    def record(self) -> MigrationRecord:
        """What became of them."""
        return _record(self._boot.result(), self._command)


def _record(seen: BootRecord, command: str) -> MigrationRecord:
    phase = seen.phase("migrate")
    told = seen.migration or MigrationRecord(command)
    refused = next((refusal(one) for one in seen.refused), "")
    told = replace(told, unjudged=told.unjudged or _foreign(seen))
    if phase is None or seen.end.how != "done":
        ended = seen.end.detail or seen.end.how
        late = seen.end.how == "deadline"
        place = seen.end.place or (phase.stuck_at if phase else None)
        error = phase.error if phase else None
        return replace(told, error=error, timed_out=late, stuck_at=place, ended="" if late else ended, refused=refused)
    return replace(told, ok=phase.ok and not told.unjudged, seconds=phase.seconds, error=phase.error, refused=refused)


def _foreign(seen: BootRecord) -> str:
    """Why the migrations are none of ours: their engine could not even be made, and it is for another database."""
    for engine in seen.engines:
        name = engine.url.drivername if engine.url and engine.error else ""
        if name.partition("+")[0] in _OTHERS:
            return f"the migrations are for {name}, not for Postgres"
    return ""
