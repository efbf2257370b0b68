"""A router with routes is never added to the app.

## What it does
Compares the routers that the project's modules define with what the booted app serves, and with the calls that
include routers. Reports a router that no call includes and of which the app serves no route. A router that is
included under a condition is no fault, and neither is one in a package of which the app imports nothing.

## Root cause
Defining routes on an `APIRouter` registers them on that object only. Without `app.include_router(...)` each of its
paths answers 404, and nothing says so.

## Fix
Include the router where the others are, or delete it.

## Fix safety
No automatic fix: under which prefix it belongs is a decision.

## Seen on
FastAPI 0.165 with Starlette 1.10.

## Sources
- https://fastapi.tiangolo.com/tutorial/bigger-applications/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model import interpreter
from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each router where it is made; what the boot saw outweighs what the source seems to say."""
    booted = facts.boot.routers if facts.boot and facts.boot.passed("import") else ()
    seen = {_key(router.place): router for router in booted if router.place}
    for router in facts.routers:
        if router.included or not router.routes:
            continue
        record = seen.get(_key(router.place))
        if record is None and _is_of_app(facts, router.place.path):
            yield _finding(router.place, router.name, Confidence.LIKELY, Evidence.STATIC)
        elif record is not None and not record.registered:
            yield _finding(router.place, router.name, Confidence.CERTAIN, Evidence.BOTH)


def _is_of_app(facts: Facts, path: str) -> bool:
    """Whether the app has to do with the router's package: what it imports nothing of may be another app, or a copy."""
    reached = {name.partition(".")[0] for name in interpreter.modules_of_app(facts)}
    package, dot, _ = next(
        (module.name.partition(".") for module in facts.modules if module.path == path), ("", "", "")
    )
    beside_app = not dot and facts.app is not None and _folder(path) == _folder(facts.app.module_path or path)
    return not reached or package in reached or not package or beside_app


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _key(place: Place) -> tuple[str, int]:
    return place.path, place.line


def _finding(place: Place, name: str, confidence: Confidence, evidence: Evidence) -> Finding:
    return CHECK.finding(
        place,
        f"`{name}` has routes and is never registered with the app",
        root_cause="The app knows a router's routes only once something includes it; until then they answer 404.",
        confidence=confidence,
        evidence=evidence,
    )
