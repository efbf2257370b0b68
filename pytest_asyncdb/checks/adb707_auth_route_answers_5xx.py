"""An auth route answers 5xx to an empty request.

## What it does
Sends an empty body to each auth route (sign-up, log-in, token) of the booted app. Reports a status of 500 or more, an
exception, and a route that never answers. 400, 401, 403, 422 and redirects are proper answers. Where a table is
missing that neither the migrations nor the startup make, the finding is likely only; where the migrations did not go
through, nothing is judged. Nothing is judged while an engine of the app is reported as broken, or when the sandbox
refused something that the route wanted to reach.

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
from pytest_asyncdb.model.errors import missing_table, one_line
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity
from pytest_asyncdb.model.migrated import missing_table_cause, unmigrated
from pytest_asyncdb.model.services import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
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
        raise NotJudgedError(
            f"`{failed[0].path}` errors after the sandbox refused a connection to {named(refused.target)}"
        )
    reason = unmigrated(facts)
    unknown = [one for one in failed if reason and missing_table(one.error, one.body)]
    if unknown and unknown == failed:
        table = missing_table(failed[0].error, failed[0].body)
        raise NotJudgedError(f"`{failed[0].path}` needs table `{table}`: {reason}")
    for response in failed:
        if response not in unknown:
            yield _finding(facts, response)


def _finding(facts: Facts, response: ResponseRecord) -> Finding:
    error = response.error
    table = missing_table(error, response.body)
    if table:
        said = f"answers {response.status}: table `{table}` does not exist"
        why = missing_table_cause(facts)
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
        confidence=Confidence.LIKELY if table else Confidence.CERTAIN,
        evidence=Evidence.RUNTIME,
    )
