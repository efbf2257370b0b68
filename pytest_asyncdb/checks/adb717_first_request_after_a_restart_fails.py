"""The first request after a restart of the database fails, because the pool still holds the old connections.

## What it does
Cuts the connections of the booted app, as a restart or failover of the server does, while new ones work, and asks a
health route that uses the database. Reports it when the first answer is an error and the second is not. This is advice:
SQLAlchemy throws all old connections away at the first error.

## Root cause
A pool hands out a connection without asking whether it still works, unless `pool_pre_ping=True` says so. Servers that
close idle connections (poolers, serverless Postgres, firewalls) cause the same without a restart.

## Fix
    create_async_engine(url, pool_pre_ping=True)

## Fix safety
Not applied by itself: it costs one round trip to the server for each connection that is taken from the pool.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.32 and psycopg 3.3.

## Sources
- https://docs.sqlalchemy.org/en/20/core/pooling.html#disconnect-handling-pessimistic
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, outage_of
from pytest_asyncdb.model.calls import shown_name, with_argument
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.2")

_PING = "pool_pre_ping"


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report once: at the engine that does not ask, when there is only one, else at the endpoint."""
    boot = outage_of(facts)
    answers = [one for one in boot.outages if one.database == "restarted"]
    if len(answers) < 2 or not answers[0].failed or answers[-1].failed:  # noqa: PLR2004 - it was asked again
        return
    route = f"`{answers[0].method} {answers[0].path}`"
    engines = [one for one in facts.engines if one.role == "app" and one.seen and _keeps(one)]
    engine = engines[0] if len(engines) == 1 else None
    pool = shown_name(engine.call, "the engine") if engine else "the pool"
    yield CHECK.finding(
        engine.place if engine else answers[0].place or app_place(facts),
        f"the first {route} after a restart of the database fails: {pool} keeps dead connections",
        root_cause=f"Without `{_PING}=True` a pool finds out that a connection is dead when a request uses it.",
        fixes=_fixes(engine) if engine else (),
        evidence=Evidence.RUNTIME,
    )


def _keeps(engine: Engine) -> bool:
    """Whether the engine pools connections and does not ask for them first."""
    seen = engine.seen
    pools = seen is not None and seen.error is None and seen.pool_class not in {None, "NullPool"}
    return pools and dict(engine.options).get(_PING) != "True" and bool(seen and seen.probe and seen.probe.ok)


def _fixes(engine: Engine) -> tuple[Fix, ...]:
    call = engine.call
    if call is None or any(argument.keyword in {_PING, "**"} for argument in call.arguments):
        return ()
    change = with_argument(call.callee, call.span, [one.span for one in call.arguments], f"{_PING}=True")
    why = "Costs one round trip to the server for each connection that is taken from the pool."
    return (Fix(f"Add `{_PING}=True`", (change,), safe=False, why=why),)
