"""A health route does not answer while the database is gone.

## What it does
Takes the database away from the booted app (its connections are cut, new ones are refused at once) and asks its health
routes. Reports one that has not answered after 5 seconds.

## Root cause
Something waits longer than whoever asks: a loop of retries with pauses, or a pool that waits for a connection
(`psycopg_pool` for 30 seconds). A probe of Kubernetes gives up after 1 second by default, and requests that hang keep
workers busy, so that routes which need no database hang too.

## Fix
Give the check a timeout of its own that is shorter than the probe's (`asyncio.timeout(1)`), and answer 503.

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165 with psycopg_pool 3.3 and with a loop of retries around asyncpg 0.32.

## Sources
- https://www.psycopg.org/psycopg3/docs/api/pool.html
- https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/#configure-probes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, outage_of
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each route at its endpoint, or the place where the whole process stood."""
    boot = outage_of(facts)
    late = {one.path: one for one in boot.outages if one.timed_out and one.database == "down"}
    for one in late.values():
        yield CHECK.finding(
            one.place or app_place(facts),
            f"`{one.method} {one.path}` does not answer while the database is down",
            root_cause="New connections were refused at once, so something in the app waits or tries again.",
            evidence=Evidence.RUNTIME,
        )
    phase = boot.phase("outage")
    if phase and phase.timed_out and not late:
        yield CHECK.finding(
            phase.stuck_at or app_place(facts),
            f"a health route blocks all of `{boot.target}` while the database is down",
            root_cause="It waits without giving other requests a turn: a blocking call or `time.sleep` in async code.",
            evidence=Evidence.RUNTIME,
        )
