"""The app's startup ends the process.

## What it does
Reports the line at which startup code ended the process: `sys.exit()`, `raise SystemExit`, `os._exit()`, or a crash.

## Root cause
Code that meets a problem at startup and exits takes the server with it. `SystemExit` inside the event loop skips
handlers of `Exception`, and `os._exit()` skips everything: no shutdown, no log, no reason.

## Fix
Raise an exception that says what is wrong: the server prints it and ends with a status of its own.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165 and Starlette 1.10 on Python 3.12.

## Sources
- https://docs.python.org/3/library/os.html#os._exit
- https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past, refused_in
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.services import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report where the startup ended the process."""
    boot = boot_past(facts, "import")
    end, phase = boot.end, boot.phase("startup")
    error = phase.error if phase and not phase.ok else None
    place, detail = end.place, ""
    if end.phase == "startup" and end.how in {"exit", "died"}:
        detail = f"exit status {end.code}" if end.how == "exit" else end.detail or f"signal {end.code}"
    elif error and error.type.rpartition(".")[2] == "SystemExit":
        place, detail = error.place, f"SystemExit: {error.message}" if error.message else "SystemExit"
    refused = refused_in(boot, "startup")
    if detail and refused:
        raise NotJudgedError(f"startup ended the process after the sandbox {refusal(refused)}")
    if detail:
        yield _finding(facts, boot.target, place, detail)


def _finding(facts: Facts, target: str, place: Place | None, detail: str) -> Finding:
    return CHECK.finding(
        place or app_place(facts),
        f"startup of `{target}` ends the process ({' '.join(detail.split()).rstrip('.')})",
        root_cause="An exit in startup code takes the whole server down, mostly without saying why.",
        evidence=Evidence.RUNTIME,
    )
