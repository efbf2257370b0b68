"""An auth route refuses every request because of a parameter that no client knows of.

## What it does
Sends an empty body to each auth route of the booted app, asks its health routes, and reads what a validation error
names. Reports an error about the parameters of a dependency that FastAPI took for query parameters: `local_kw`,
`args`, `kwargs`, `kw`, or a database object such as `session`, `db` or `engine`. Complaints about the body, and about
ordinary query parameters and headers, are proper answers.

## Root cause
FastAPI reads the signature of whatever `Depends(...)` gets. `Depends(SessionLocal)`, with a session factory instead of
a function, reads `__call__(self, **local_kw)`, so each request has to carry a query parameter `local_kw` and is
answered with 422 without one. To a test that expects 422 for an empty body this looks like success.

## Fix
Depend on a function that yields a session:

    async def get_session():
        async with SessionLocal() as session:
            yield session

## Fix safety
No automatic fix.

## Seen on
FastAPI 0.165 with SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import app_place, boot_past
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sandbox.record import ResponseRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_UNPROCESSABLE = 422
_QUERY_NAME = re.compile(r'"loc"\s*:\s*\[\s*"query"\s*,\s*"(\w+)"')
_OF_CALLABLES = ("local_kw", "args", "kwargs", "kw")
_OF_DATABASES = ("session", "db", "engine", "bind", "connection", "conn", "session_factory", "sessionmaker")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each route once per place."""
    boot = boot_past(facts, "import", "create", "startup")
    told: set[Place] = set()
    for response in boot.responses:
        names = _QUERY_NAME.findall(response.body)
        strange = [name for name in (*_OF_CALLABLES, *_OF_DATABASES) if name in names]
        place, symbol = _culprit(facts, response)
        if response.status == _UNPROCESSABLE and strange and place not in told:
            told.add(place)
            yield CHECK.finding(
                place,
                f"`{response.method} {response.path}` wants a query parameter `{strange[0]}`{symbol}",
                root_cause="FastAPI takes the parameters of what `Depends()` is given for the request's own; it "
                "needs a function that yields a session.",
                evidence=Evidence.BOTH if symbol else Evidence.RUNTIME,
            )


def _culprit(facts: Facts, response: ResponseRecord) -> tuple[Place, str]:
    """The `Depends()` of a session factory with words about it, or the endpoint."""
    factories = {f.call.assigned_to for f in facts.session_factories if f.call and f.call.assigned_to}
    for module in facts.modules if response.place else ():
        for call in module.calls:
            argument = call.positional(0) or call.argument("dependency")
            origin = argument.value.canonical if argument else None
            if call.target in {"fastapi.Depends", "fastapi.Security"} and origin in factories:
                return call.span.place, f", which `Depends({str(origin).rpartition('.')[2]})` asks for"
    return response.place or app_place(facts), ""
