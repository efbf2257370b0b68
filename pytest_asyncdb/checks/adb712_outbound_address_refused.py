"""The app tried to reach something other than its database, and the sandbox refused it.

## What it does
Lists each address that the app wanted to reach, or program that it wanted to start, while it was checked. This is
advice: it says what the check could not see, and what a test run of the app would really contact.

## Root cause
During a check no connection leaves for anything but the throwaway database: a cache, a broker, an error tracker or a
mail server named in the settings may be the production one.

## Fix
Nothing has to change. To have such a part judged too, make it optional at startup, or point it at something local with
`asyncdb_env` and let that through with `asyncdb_allow`.

## Fix safety
No automatic fix.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.services import missed, same_service, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")

_TRIED = {"connect": "reach", "resolve": "look up", "send": "send to", "program": "run"}
_ADDRESS = "Only the throwaway database can be reached during a check, whatever the settings name."
_PROGRAM = "A check runs no program that could do more than look at this machine."
_WHEN = {
    "import": "while it is imported",
    "create": "while it is made",
    "startup": "at startup",
    "requests": "while it answers a request",
    "shutdown": "at shutdown",
}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each service once, at the first place that wanted it; the one without which nothing starts is ADB718's."""
    boot = boot_past(facts)
    needed = missed(boot)
    told = {same_service(needed[0].target)} if needed else set()
    for refused in boot.refused:
        if same_service(refused.target) not in told and refused.phase in _WHEN:
            told.add(same_service(refused.target))
            service = service_of(refused.target) if refused.kind != "program" else ""
            what = f"`{refused.target}`" + (f" ({service})" if service else "")
            yield CHECK.finding(
                refused.place or app_place(facts),
                f"the app tries to {_TRIED.get(refused.kind, 'reach')} {what} {_WHEN[refused.phase]}, which the check "
                "does not let through",
                root_cause=_PROGRAM if refused.kind == "program" else _ADDRESS,
                evidence=Evidence.RUNTIME,
            )
