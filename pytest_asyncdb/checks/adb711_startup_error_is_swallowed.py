"""The startup could not connect to the database and went on as if it had.

## What it does
Reports a connection that failed during startup and was not followed by one that worked, while the startup reported
success and the failure shows in the log. The reason of the failure is reported by its own check.

## Root cause
A broad `except` around the database work of a lifespan turns a failed start into a running app that cannot serve: its
health route may answer 200 while every other route fails, and an orchestrator sends it traffic.

## Fix
Log the error and raise it again, so that the process ends and the deployment is seen to fail.

## Fix safety
No automatic fix: an app that can do without its database may want to start.

## Seen on
FastAPI 0.165 with Uvicorn 0.54: the app goes on; without the `except`, `Application startup failed. Exiting.`

## Sources
- https://fastapi.tiangolo.com/advanced/events/
- https://www.uvicorn.org/deployment/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.errors import chain, one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")

_TELLING = 40
"""As many characters of an error's text, found in a log line, make it the same error."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report once, where the project's code was when the last attempt failed."""
    boot = boot_past(facts, "import", "create", "startup")
    tried = [one for one in boot.connections if one.phase == "startup" and not one.by_probe]
    if not tried or any(one.ok for one in tried):
        return
    last = tried[-1]
    if last.error and _is_logged(boot, last.error):
        yield CHECK.finding(
            last.place or app_place(facts),
            f"startup of `{boot.target}` goes on after its connection failed: {one_line(last.error)}",
            root_cause="The error was caught and logged, and the startup then reported success.",
            confidence=Confidence.LIKELY,
            evidence=Evidence.RUNTIME,
        )


def _is_logged(boot: BootRecord, error: ErrorRecord) -> bool:
    said = "\n".join(log.message for log in boot.logs if log.phase == "startup")
    lines = [message.strip().splitlines()[0] for _, message in chain(error) if message.strip()]
    return any(line[:_TELLING] in said for line in lines)
