"""A module of the project cannot be parsed.

## What it does
Reports each Python file of the app that the running interpreter cannot parse: as blocking when importing the app leads
there, as latent otherwise. Tests, migrations and loose scripts count only when the app imports them.

## Root cause
Python compiles a module before it runs it; the import raises `SyntaxError` and everything that imports the module fails
with it. Syntax newer than the interpreter looks the same.

## Fix
Correct the line, or run a Python that knows the syntax.

## Fix safety
No fix is made automatically.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/tutorial/errors.html#syntax-errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each file that cannot be parsed, where it matters."""
    needed = _imported_by_app(facts)
    seen = _seen_at_boot(facts)
    for module in facts.modules:
        fault = module.fault
        blocks = module.name in needed or module.path in seen
        if fault is None or not (blocks or module.role == "app"):
            continue
        yield CHECK.finding(
            fault.place,
            f"`{module.name}` is not valid Python {facts.installed.python}: {fault.message}".rstrip(". "),
            root_cause="Python compiles a module before it runs it, so every import of this one raises SyntaxError.",
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.BOTH if module.path in seen else Evidence.STATIC,
        )


def _seen_at_boot(facts: Facts) -> set[str]:
    """Files at which the import of the app ended in a SyntaxError."""
    phase = facts.boot.phase("import") if facts.boot else None
    if phase is None or phase.error is None or not phase.error.type.endswith(("SyntaxError", "IndentationError")):
        return set()
    return {phase.error.place.path} if phase.error.place else set()


def _imported_by_app(facts: Facts) -> set[str]:
    """Names of the modules that module-level imports lead to, from the app on."""
    if facts.app is None:
        return set()
    modules = {module.name: module for module in facts.modules}
    reached: set[str] = set()
    waiting = [facts.app.target.partition(":")[0]]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in modules:
            continue
        reached.add(name)
        parts = name.split(".")
        waiting += [".".join(parts[:end]) for end in range(1, len(parts))]
        for one in modules[name].imports:
            if one.level == "module":
                waiting += [one.module, f"{one.module}.{one.name}"]
    return reached
