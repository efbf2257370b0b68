"""A module imports a name for databases and never uses it.

## What it does
Reports names such as `create_engine`, `sessionmaker` or `NullPool` that the app imports from SQLAlchemy or SQLModel at
module level and never reads. Only names for engines, sessions and pools count: the rest is a linter's matter.
Packages' `__init__`, names in `__all__` and `import x as x` are exports and no fault.

## Root cause
Dead imports of this kind are what an interrupted move from sync to async leaves behind; they make it look as if a sync
engine or another pool were in use.

## Fix
Remove the name from the import.

## Fix safety
Safe: nothing in the module reads it, and it is not exported.

## Seen on
Any version.

## Sources
- https://docs.astral.sh/ruff/rules/unused-import/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Fix, RemoveImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.ADVICE, since="0.1")

_NAMES = frozenset({"create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config"}) | {
    *("sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session", "Session", "AsyncSession"),
    *("AsyncEngine", "AsyncConnection", "Engine", "Connection"),
    *("NullPool", "QueuePool", "StaticPool", "AsyncAdaptedQueuePool", "SingletonThreadPool"),
}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each unused name at its own place in the import statement."""
    read_elsewhere = {(one.module, one.name) for module in facts.modules for one in module.imports}
    for module in facts.modules:
        if module.role != "app" or module.is_package:
            continue
        for one in module.imports:
            if one.used or one.level != "module" or (module.name, one.alias) in read_elsewhere:
                continue
            if one.name not in _NAMES or one.module.partition(".")[0] not in {"sqlalchemy", "sqlmodel"}:
                continue
            fix = Fix(f"Remove `{one.name}`", (RemoveImport(module.path, one.module, one.name),), safe=True)
            yield CHECK.finding(
                one.span.place,
                f"`{one.name}` is imported from `{one.module}` and never used",
                root_cause="Nothing in the module reads the name, so the import does nothing but mislead.",
                fixes=(fix,),
            )
