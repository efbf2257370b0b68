"""The project's migrations do not go through.

## What it does
Runs `alembic upgrade head` (or the upgrade of Advanced Alchemy's plugin) on the empty throwaway database, in a sandbox
of its own, before the app is asked anything. Reports the line of `env.py` or of the version script that raised, a
revision that is missing, and several heads. Where the project creates its tables at startup (`create_all`), it is
latent; otherwise it blocks, because no table is made. A table or schema that nothing in the project makes is only
likely a fault. Not judged: one that a SQL file of the project makes, migrations for another database, extensions and
roles that only the real server has, a connection that the sandbox refused, and an error that the app itself has too.

## Root cause
The message carries it. Frequent: an asynchronous URL in a synchronous `env.py` (`MissingGreenlet`); a `%` in a URL that
goes through `alembic.ini`; the template's `driver://` URL; a revision that changes a table which none before it made.

## Fix
Repair the line; declare the driver that `env.py` needs. For several heads: `alembic merge heads`, or `upgrade heads`.

## Fix safety
Safe: one requirement is added. For anything else there is no automatic fix.

## Seen on
Alembic 1.20 with SQLAlchemy 2.0.58 and 2.1.9, asyncpg 0.32 and psycopg 3.3.

## Sources
- https://alembic.sqlalchemy.org/en/latest/cookbook.html#using-asyncio-with-alembic
- https://alembic.sqlalchemy.org/en/latest/branches.html
- https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import boot_past
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import missing, one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.migrated import failure_cause, unjudged, unmigrated
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.urls.missing import driver_fixes, not_installed, why_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.migrations import Migrations
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import MigrationRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.2")

_OF_INI = ("InterpolationSyntaxError", "NoSuchModuleError")
_QUOTED = re.compile(r"'(\w+)'")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report several heads, or the first thing that stopped the upgrade."""
    done, found = boot_past(facts).migration, facts.migrations
    if done is None or found is None:
        if reason := unmigrated(facts):
            raise NotJudgedError(reason)
        return
    severity = Severity.LATENT if found.creates_all else Severity.BLOCKS
    if done.heads and not found.upgrades_heads:
        yield CHECK.finding(
            Place(found.config),
            f"`{done.command}` finds {len(done.heads)} heads: {', '.join(done.heads)}",
            root_cause="Revisions with the same parent were made side by side, so there is no single head to upgrade "
            "to; `alembic merge heads` joins them.",
            severity=severity,
            evidence=Evidence.RUNTIME,
        )
    package = not_installed(facts, done.error) if done.error else None
    if reason := unjudged(facts, done) or (f"`{package.name}` is declared and not installed here" if package else ""):
        raise NotJudgedError(reason)
    if not done.ok:
        yield _finding(facts, done, found, severity)


def _finding(facts: Facts, done: MigrationRecord, found: Migrations, severity: Severity) -> Finding:
    error = done.error
    names = _QUOTED.findall(error.message) if error else []
    parent = next((name for name in names if name in dict(found.parents)), "") if error and not done.applied else ""
    wanted = missing(error)
    if wanted and wanted.kind == "type":
        wanted = None  # nobody makes one by hand: a revision forgets it, or the extension that brings it
    if done.timed_out:
        said, why = "does not end", "It was ended when its deadline passed; the place is where it stood."
    elif parent and error and error.type == "KeyError":
        said, why = f"misses revision `{parent}`", "A version script builds on a revision that no script defines."
    elif wanted:
        said = f"needs {wanted}, which no revision before has made"
        why = f"The database was empty, as a new one is; the {wanted.kind} was once made by something else."
    else:
        ends = error is None or error.type == "SystemExit"
        said = f"ends the process ({done.ended})" if ends else f"fails: {one_line(error)}"
        why = why_missing(facts, error) or failure_cause(error)
    return CHECK.finding(
        _place(done, found, parent),
        f"`{done.command}` {said}",
        root_cause=why,
        fixes=driver_fixes(facts, error),
        severity=severity,
        confidence=Confidence.LIKELY if wanted else Confidence.CERTAIN,
        evidence=Evidence.RUNTIME,
    )


def _place(done: MigrationRecord, found: Migrations, parent: str) -> Place:
    error = done.error
    if error and error.type == "TypeError":
        named = [place for name, place in found.parameters if name in _QUOTED.findall(error.message)]
        if named:
            return named[0]
    if error and error.type.rpartition(".")[2] in _OF_INI and found.url_place:
        return found.url_place
    place = dict(found.parents).get(parent) or done.stuck_at or (error.place if error else None)
    return place or Place(found.script or found.config)
