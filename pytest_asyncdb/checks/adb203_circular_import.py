"""Modules import each other in a circle, and the import fails over it.

## What it does
Reads the failures of the sandbox's imports and reports those that Python itself puts down to a circle (`partially
initialized module`), with each step and the module whose import sets it off. Also finds circles that hide in `try:
from a import b` with `except ImportError`: the name is there once all is imported, and the module went on without it.
Circles that do no harm, because the names are needed later only, are silent.

## Root cause
`from b import B` at the top of `a` runs `b` to its end first; when `b` needs a name of `a` meanwhile, `a` does not have
it yet. Which module fails depends on which one is imported first.

## Fix
Move the import that closes the circle into the function that needs it, or under `if TYPE_CHECKING:` when only
annotations do; or move what both need into a module of its own.

## Fix safety
No fix is made automatically: which import gives way is a decision.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/faq/programming.html#what-are-the-best-practices-for-using-import-in-a-module
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import failed_imports
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.circles import circle_of, known_circle
from pytest_asyncdb.model.finding import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_CIRCLE = re.compile(
    r"partially initialized module '(?P<module>[\w.]+)'"
    r"|cannot access submodule '(?P<child>\w+)' of module '(?P<parent>[\w.]+)' \(most likely due to a circular import"
)
_WAY_OUT = "Move this import into the function that needs it, or under `if TYPE_CHECKING:` for annotations."


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each circle once, at the import that closes it."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    told: set[frozenset[str]] = set()
    for failure in failed_imports(facts, facts.boot):
        match = _CIRCLE.search(failure.error.message)
        if match is None:
            continue
        circle, edges = circle_of(facts, failure.error, match["module"] or f"{match['parent']}.{match['child']}")
        if frozenset(circle) in told:
            continue
        told.add(frozenset(circle))
        shown = f" `{' -> '.join(circle)}`" if circle else ""
        yield CHECK.finding(
            failure.place,
            f"this import closes {'the' if shown else 'a'} circle{shown}",
            root_cause=f"Importing `{failure.module}` sets it off: {' '.join(failure.error.message.split())}.{edges} "
            f"{_WAY_OUT}",
            # Imported by itself, a module may close a circle that it does not close where the app imports it.
            severity=Severity.BLOCKS if failure.blocks and failure.seen else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )
    yield from _hidden(facts, facts.boot, told)


def _hidden(facts: Facts, boot: BootRecord, told: set[frozenset[str]]) -> Iterator[Finding]:
    """Circles whose failure the project catches, so that a name is silently missing."""
    for one in boot.swallowed:
        circle, edges = known_circle(facts, {one.module, one.source})
        if frozenset(circle or (one.module, one.source)) in told:
            continue
        told.add(frozenset(circle or (one.module, one.source)))
        yield CHECK.finding(
            one.place,
            f"`{one.name}` of `{one.source}` is missing in `{one.module}`: the error of a circle is caught here",
            root_cause=f"When `{boot.target}` is imported, `{one.source}` is not finished at this import; the "
            f"`except` hides that, and the code goes on without it.{edges} {_WAY_OUT}",
            severity=Severity.LATENT,
            confidence=Confidence.CERTAIN if circle else Confidence.LIKELY,
            evidence=Evidence.RUNTIME,
        )
