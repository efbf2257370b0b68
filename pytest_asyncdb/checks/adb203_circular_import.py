"""Modules import each other in a circle, and the import fails over it.

## What it does
Reads the failures of the sandbox's imports and reports those that Python itself puts down to a circle (`partially
initialized module`), with the circle. Circles that do no harm, because the names are needed later only, are silent.

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

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_CIRCLE = re.compile(
    r"partially initialized module '(?P<module>[\w.]+)'"
    r"|cannot access submodule '(?P<child>\w+)' of module '(?P<parent>[\w.]+)' \(most likely due to a circular import"
)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each circle once, at the import that closes it."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    told: set[frozenset[str]] = set()
    for path, error, blocks in _failures(facts.boot):
        match = _CIRCLE.search(error.message)
        if match is None:
            continue
        circle = _circle(facts, error, match["module"] or f"{match['parent']}.{match['child']}")
        if frozenset(circle) in told:
            continue
        told.add(frozenset(circle))
        shown = " -> ".join(circle)
        yield CHECK.finding(
            error.place or Place(path),
            f"this import closes the circle `{shown}`" if shown else "this import closes a circle",
            root_cause=f"{' '.join(error.message.split())}. Move this import into the function that needs it, or under "
            "`if TYPE_CHECKING:` when only annotations do.",
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )


def _failures(boot: BootRecord) -> Iterator[tuple[str, ErrorRecord, bool]]:
    phase = boot.phase("import")
    if phase and phase.error:
        yield "", phase.error, True
    for one in boot.imports:
        if not one.ok and one.error:
            yield one.path, one.error, one.by_app


def _circle(facts: Facts, error: ErrorRecord, unfinished: str) -> tuple[str, ...]:
    """The modules in import order, the first one again at the end; empty when they can't be told.

    The traceback's frames, from the module that was not finished to the one that asked for its name, are the circle.
    """
    by_path = {module.path: module.name for module in facts.modules}
    names = [name for frame in error.frames if (name := by_path.get(frame.path))]
    steps = [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
    if unfinished in steps:
        return (*steps[steps.index(unfinished) :], unfinished)
    fitting = (c.modules for c in facts.cycles if unfinished in c.modules)
    modules = next(fitting, ())
    return modules if not modules or modules[0] == modules[-1] else (*modules, modules[0])
