"""The app's startup does not end.

## What it does
Gives the startup a deadline and reports where the project's code stands when it passes. A startup that tries again
and again to reach something that the sandbox refuses is not judged.

## Root cause
Typical: a loop that waits for something that never comes, a blocking call (`time.sleep`, a sync driver, `requests`) in
async code, a background loop that is awaited instead of started with `asyncio.create_task`, or a server started inside
the lifespan. The server in front never accepts a request and an orchestrator kills the process.

## Fix
Start endless work as a task and cancel it at shutdown; give every wait for something else a limit.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165, Starlette 1.10 and Litestar 2.25.

## Sources
- https://asgi.readthedocs.io/en/latest/specs/lifespan.html
- https://docs.python.org/3/library/asyncio-task.html#creating-tasks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.services import missing_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report where the start stands when its deadline has passed."""
    boot = boot_past(facts, "import")
    phase = boot.phase("startup")
    late = phase is not None and phase.timed_out
    killed = boot.end.how == "deadline" and boot.end.phase == "startup"
    if (late or killed) and missing_service(boot):
        raise NotJudgedError(missing_service(boot))
    if phase and late:
        yield _finding(facts, boot.target, phase.stuck_at, f" after {phase.seconds:.0f} s")
    elif killed:
        yield _finding(facts, boot.target, boot.end.place, "")


def _finding(facts: Facts, target: str, place: Place | None, how_long: str) -> Finding:
    where = f"; it stands at {place.path}:{place.line}" if place else ""
    return CHECK.finding(
        place or app_place(facts),
        f"startup of `{target}` has not ended{how_long}{where}",
        root_cause="The app serves nothing before its startup is over.",
        evidence=Evidence.RUNTIME,
    )
