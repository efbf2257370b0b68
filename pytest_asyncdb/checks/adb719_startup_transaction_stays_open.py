"""The app serves inside the transaction of its startup.

## What it does
Looks at the functions that apps are given as their `lifespan`: reports a `yield` inside `async with engine.begin() as
connection:` (or a session's) whose connection the startup has used. Left alone: a lifespan that hands the connection
on, with its `yield` or as in `app.state.connection = connection`; one that holds an advisory lock; one that has
committed; and a project whose engines are all of another database.

## Root cause
What comes after `yield` is the shutdown, so the block ends then. Tables that `create_all` makes in it are committed at
shutdown: on an empty database each request meets "relation does not exist" until the app is stopped. And one connection
is idle in a transaction for as long as the app runs. SQLite hides this: its driver commits such statements at once.

## Fix
Put the `yield` after the block.

## Fix safety
Safe: the statements of the block run as before, and are committed before the app serves.

## Seen on
SQLAlchemy 2.0.36 and 2.1.9 with asyncpg 0.30 and 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/core/connections.html#begin-once
- https://fastapi.tiangolo.com/advanced/events/#lifespan
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import declares_driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each `yield`."""
    schemes = {one.url.scheme for one in facts.engines if one.role == "app" and one.url and one.url.scheme}
    if schemes and not any(map(drivers.is_postgres, schemes)) and not declares_driver(facts):
        return
    for one in facts.held_transactions:
        why = "What startup does is committed before the app serves, and its connection goes back to the pool."
        moved = (Replace(one.outdent, ""),) if one.outdent else ()
        yield CHECK.finding(
            one.place,
            f"`{one.lifespan}` yields inside the transaction of line {one.block.line}, which lasts as long as the app",
            root_cause="What startup does in it, such as making tables, is committed at shutdown: no request sees it "
            "before, and its connection is idle in a transaction meanwhile.",
            fixes=(Fix("Put `yield` after the block", moved, safe=True, why=why),) if moved else (),
        )
