"""An auth route answers 5xx to an empty request.

## What it does
Sends an empty body to each auth route (sign-up, log-in, token) of the booted app. Reports a status of 500 or more, an
exception, and a route that never answers. 400, 401, 403, 422 and redirects are proper answers. Where a table is
missing that neither the migrations nor the startup make, the finding is likely only; where the migrations did not go
through, or a SQL file of the project makes it, nothing is judged. Nothing is judged while an engine of the app is
reported as broken, or when the sandbox refused something that the route wanted to reach.

## Root cause
The exception, where there is one, says it: a missing table, a session that is no async one, a lazy attribute.

## Fix
Repair what raised, at the place that the finding names; or run the migrations before the app starts.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165, Starlette 1.10 and Litestar 2.25 with SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://fastapi.tiangolo.com/tutorial/handling-errors/
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
    from pytest_asyncdb.model.errors import Missing
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import ResponseRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each auth route that errors, where it raised or at its endpoint."""
    boot = boot_on_postgres(facts, "import", "create", "startup")
    failed = [one for one in boot.responses if one.kind == "auth" and one.failed]
    engine = broken_engine(facts)
    refused = refused_in(boot, "requests", "startup")
    if failed and engine:
        raise NotJudgedError(f"the engine at {engine.place} has to connect first")
    if failed and refused:
        raise NotJudgedError(f"`{failed[0].path}` errors after the sandbox {refusal(refused)}")
    wanted = [missing(one.error, one.body) for one in failed]
    reasons = [unmigrated(facts, one) if one else "" for one in wanted]
    if failed and all(reasons):
        raise NotJudgedError(f"`{failed[0].path}` needs {wanted[0]}: {reasons[0]}")
    for response, lacks, reason in zip(failed, wanted, reasons, strict=True):
        if not reason:
            yield _finding(facts, response, lacks)


def _finding(facts: Facts, response: ResponseRecord, wanted: Missing | None) -> Finding:
    error = response.error
    if wanted:
        said = f"answers {response.status}: {wanted} does not exist"
        why = missing_cause(facts)
    elif response.timed_out:
        said, why = "does not answer", "The route waits for something that does not come."
    else:
        status = f"answers {response.status}" if response.status else "raises"
        said = f"{status}: {one_line(error)}" if error else status
        why = "An empty request has to be answered with 4xx; here it runs into an error of the app."
    return CHECK.finding(
        (error and error.place) or response.place or app_place(facts),
        f"`{response.method} {response.path}` {said}",
        root_cause=why,
        confidence=Confidence.LIKELY if wanted else Confidence.CERTAIN,
        evidence=Evidence.RUNTIME,
    )
