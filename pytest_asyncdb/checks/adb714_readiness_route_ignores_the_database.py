"""A route that answers for the database says that all is well while the database is gone.

## What it does
Takes the database away from the booted app (its connections are cut, new ones are refused) and asks its health routes.
Reports an answer of 2xx from a route that promises readiness by its name, and from one whose answer names the database
and does not change. Where the status stays 2xx and the body tells, it is advice. Routes that only say that the process
is alive (`/live`, `/ping`) are not asked, and a plain `/health` that promises nothing is left alone.

## Root cause
A load balancer looks at the status: it sends requests to an instance that can't serve them, in a deployment that lost
its database nothing shows, and a new release with a broken URL counts as started.

## Fix
Run `SELECT 1` in the route, with a short timeout, and answer 503 when it fails. Leave the liveness route without it: an
orchestrator restarts what is not alive, and that helps no database.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165, Starlette 1.10 and Litestar 2.25 with asyncpg 0.32 and psycopg 3.3.

## Sources
- https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, outage_of
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import ResponseRecord

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_READY = re.compile(r"/(?:is[-_]?)?(?:ready|readyz|readiness|db|database|postgres)(?:[-_]?check)?/?$", re.IGNORECASE)
_NAMED = re.compile(
    r"\b(?:db|database|postgres(?:ql)?)\w*\"?\s*[:=]"
    r"|\b(?:db|database|postgres(?:ql)?) (?:is )?(?:ok|up|alive|ready|online|healthy|connected|reachable)\b",
    re.IGNORECASE,
)
_REDIRECT = 300
_TIME = re.compile(r"\d\d:\d\d:\d\d")
_CHANGING = re.compile(r"\d+")
"""Times and durations change whatever happens."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each route at its endpoint."""
    boot = outage_of(facts)
    bodies = {one.path: one.body for one in boot.responses if one.kind == "health"}
    kept = ""
    for down in boot.outages:
        if down.database != "down" or down.failed or not down.status or down.status >= _REDIRECT:
            continue
        if _TIME.search(down.body) and bodies.get(down.path) == down.body:
            kept = f"`{down.path}` answers with the time of an answer before: it keeps its answers for a while"
            continue
        changed = _CHANGING.sub("", bodies.get(down.path, "")) != _CHANGING.sub("", down.body)
        ready = _READY.search(down.path) is not None
        names = _NAMED.search(bodies.get(down.path, "")) is not None
        if ready or names:
            yield _finding(facts, down, only_body=changed and names, ready=ready)
    if kept:
        raise NotJudgedError(kept)


def _finding(facts: Facts, down: ResponseRecord, *, only_body: bool, ready: bool) -> Finding:
    promise = "It promises by its name" if ready else "It says in its answer"
    return CHECK.finding(
        down.place or app_place(facts),
        f"`{down.method} {down.path}` answers {down.status} while the database is down"
        + (", and only its body tells" if only_body else ""),
        root_cause="Load balancers and orchestrators look at the status alone."
        if only_body
        else f"{promise} how the database is, and does not find out.",
        severity=Severity.ADVICE if only_body else Severity.LATENT,
        confidence=Confidence.LIKELY,
        evidence=Evidence.RUNTIME,
    )
