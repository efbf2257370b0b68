"""A health route answers 5xx or raises, although the database is healthy.

## What it does
Asks each health route of the booted app. Reports a status of 500 or more, an exception, and a route that never
answers. Any other status is an answer: 401 and redirects are choices. Nothing is judged while an engine of the app is
reported as broken, when the sandbox refused something that the route wanted to reach, or when a table is missing that a
SQL file of the project makes or migrations that did not go through.

## Root cause
The exception, where there is one, says it. Load balancers and orchestrators take the app out of service.

## Fix
Repair what raised, at the place that the finding names.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165, Starlette 1.10 and Litestar 2.25.

## Sources
- https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_on_postgres, broken_engine, refused_in
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import missing, one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.migrated import missing_cause, unmigrated
from pytest_asyncdb.model.services import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import ResponseRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each health route that errors, at its endpoint or where it raised."""
    boot = boot_on_postgres(facts, "import", "create", "startup")
    failed = [one for one in boot.responses if one.kind == "health" and one.failed]
    engine = broken_engine(facts)
    refused = refused_in(boot, "requests", "startup")
    if failed and engine:
        raise NotJudgedError(f"the engine at {engine.place} has to connect first")
    if failed and refused:
        raise NotJudgedError(f"`{failed[0].path}` errors after the sandbox {refusal(refused)}")
    for response in failed:
        error = response.error
        wanted = missing(error, response.body)
        if wanted and (reason := unmigrated(facts, wanted)):
            raise NotJudgedError(f"`{response.path}` needs {wanted}: {reason}")
        yield CHECK.finding(
            (error and error.place) or response.place or app_place(facts),
            f"`{response.method} {response.path}` {_what(response)}",
            root_cause=f"The {wanted} does not exist. {missing_cause(facts)}"
            if wanted
            else "The app was started and its database is healthy, so the route itself is at fault.",
            confidence=Confidence.LIKELY if wanted else Confidence.CERTAIN,
            evidence=Evidence.RUNTIME,
        )


def _what(response: ResponseRecord) -> str:
    if response.timed_out:
        return "does not answer"
    said = f": {one_line(response.error)}" if response.error else ""
    return f"answers {response.status}{said}" if response.status else f"raises{said}"
