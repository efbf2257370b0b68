"""Importing the app does not come to an end.

## What it does
Imports the app in a child process under a deadline (30 seconds unless set otherwise) and reports where the project's
code stood when the deadline passed. What computed all along, on a slow or busy machine, is not judged.

## Root cause
Code at module level waits: for a server that does not answer, for a lock, for input.
Nothing that imports the module gets any further, and no error says so.

## Fix
Move the waiting into the app's startup (lifespan), with a timeout of its own.

## Fix safety
No fix is made automatically.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the line where the import of the app stood at its deadline."""
    boot = facts.boot
    if boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    phase = boot.phase("import")
    killed = boot.end.how == "deadline" and boot.end.phase in {"import", "create"}
    if not killed and not (phase and phase.timed_out):
        return
    place = (phase.stuck_at if phase else None) or boot.end.place
    path = (facts.app.module_path if facts.app else None) or boot.target.partition(":")[0]
    after = f" after {phase.seconds:.0f} s" if phase and phase.seconds else ""
    if phase and phase.computes:
        raise NotJudgedError(
            f"importing `{boot.target}` has not ended{after}: it computes at {place or path}, and does not wait; "
            "`asyncdb_import_timeout` gives it longer"
        )
    yield CHECK.finding(
        place or Place(path),
        f"importing `{boot.target}` does not end{after}",
        root_cause="Code that waits at module level holds up every process that imports the app, and no error says so.",
        evidence=Evidence.RUNTIME,
    )
