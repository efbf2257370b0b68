"""The app does not start without a service other than its database.

## What it does
Reports the start of an app (its import, its factory or its startup) that fails, or waits until its deadline, because
the sandbox refused a connection to something else than the database: a cache, a broker, a mail server. A program that
was not run, because it could do more than look at this machine, is told likewise. That is no fault, so it is advice; it
says what the run could not judge, and why.

## Root cause
A check provides the database alone. Nothing that the settings name is contacted, because it may be the production one.

## Fix
Have the app start without the service and connect when it is first used, or let a local one through for the check:
`asyncdb_allow = localhost:6379` in the pytest settings. What listens on that port is then really used, so it has to be
one that may be written to. Where a program is missed, have the app start without it.

## Fix safety
No automatic fix.

## Seen on
redis 5 to 7, aio-pika 9, aiosmtplib 3 and botocore 1.3x under Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.services import missed, named, withheld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.2")

_SERVICE = (
    "A check provides the database alone, and contacts nothing that the settings name. "
    "`asyncdb_allow` lets a service on this machine through; what comes after the start was not judged."
)
_PROGRAM = (
    "A check runs no program that could do more than look at this machine. What comes after the start was not judged."
)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report the service that is missed, where the app wanted it."""
    boot = boot_past(facts)
    found = missed(boot)
    if found is None:
        return
    refused, error = found
    times = f" ({refused.count} attempts)" if refused.count > 1 else ""
    yield CHECK.finding(
        (error.place if error else None) or refused.place or app_place(facts),
        f"`{boot.target}` does not start without {named(refused, error)}{times}, {withheld(refused)}",
        root_cause=_PROGRAM if refused.kind == "program" else _SERVICE,
        evidence=Evidence.RUNTIME,
    )
