"""A factory of async sessions leaves `expire_on_commit` at its default.

## What it does
Reports factories of async sessions to which the app does not give `expire_on_commit`.

## Root cause
By default a commit expires every object of the session, and the next read of an attribute loads it again. An attribute
cannot be awaited, so with an async session that read raises `MissingGreenlet`, or `DetachedInstanceError` once the
session is closed. FastAPI, serialising such an object, answers 500; without a response model it answers an empty
object and status 200. Code that reads nothing after a commit, or calls `await session.refresh(...)`, is right as it
is: where the app's own code does so after each commit, this is advice.

## Fix
Add `expire_on_commit=False`: objects stay readable after a commit, with the values they had.

## Fix safety
Unsafe: code that relies on seeing what others wrote after its own commit has to call `session.refresh(...)` then.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#preventing-implicit-io-when-using-asyncsession
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.calls import shown_name, with_argument
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Call
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each factory where it is made."""
    for factory in facts.session_factories:
        if factory.role == "app" and factory.session_is_async and _expires(factory):
            name = shown_name(factory.call, "this factory")
            yield CHECK.finding(
                factory.place,
                f"{name} makes sessions whose objects are unreadable after a commit",
                root_cause="`expire_on_commit` is true unless set, and an expired attribute loads itself at the next "
                "read, which an async session cannot do.",
                fixes=_fixes(factory.call),
                severity=Severity.ADVICE if facts.refreshes_after_commits else Severity.LATENT,
                confidence=Confidence.LIKELY,
                evidence=factory.evidence,
            )


def _expires(factory: SessionFactory) -> bool:
    """The boot knows; without one, only options that are all known tell."""
    if factory.seen:
        return factory.seen.expire_on_commit and factory.option("expire_on_commit") is None
    return factory.options_known and factory.option("expire_on_commit") is None


def _fixes(call: Call | None) -> tuple[Fix, ...]:
    if call is None or any(argument.keyword == "**" for argument in call.arguments):
        return ()
    change = with_argument(call.callee, call.span, [a.span for a in call.arguments], "expire_on_commit=False")
    why = "Decide whether any code relies on reading fresh values after its own commit."
    return (Fix("Add `expire_on_commit=False`", (change,), safe=False, why=why),)
