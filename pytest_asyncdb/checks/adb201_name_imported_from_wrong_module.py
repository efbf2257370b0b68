"""A name of SQLAlchemy or SQLModel is imported from a module that does not have it.

## What it does
Knows where the names of the asyncio extension, the session factories and the pools live, and reports module-level
imports of them from anywhere else. Where a boot saw the module import well the installed version has the name, and
nothing is reported. Imports under `TYPE_CHECKING`, in functions, or in `try` with `except ImportError` are no fault.

## Root cause
`AsyncEngine` and `AsyncConnection` could be imported from `sqlmodel.ext.asyncio.session` up to SQLModel 0.0.11, because
that module happened to import them; tutorials of that time still do it. The other names were never there.

## Fix
Import the name from where it lives, usually `sqlalchemy.ext.asyncio`.

## Fix safety
Safe: the import fails as it stands.

## Seen on
SQLModel 0.0.11 (has `AsyncEngine` and `AsyncConnection`), 0.0.22 and 0.0.50 (do not); SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#api-documentation-core
- https://github.com/fastapi/sqlmodel/issues/1218
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.fix import AddImport, Fix, RemoveImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Import, Module
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_ASYNCIO = "sqlalchemy.ext.asyncio"
_SQLMODEL_SESSION = "sqlmodel.ext.asyncio.session"
_LEAKED_UNTIL = (0, 0, 11)
_LEAKED = frozenset({"AsyncEngine", "AsyncConnection"})

_ENGINE_NAMES = frozenset({"AsyncEngine", "AsyncConnection", "AsyncTransaction", "create_async_engine"})
_SESSION_NAMES = frozenset({"AsyncSession", "async_sessionmaker", "AsyncAttrs", "AsyncSessionTransaction"})
_SCOPED = frozenset({"async_scoped_session"})
_ASYNC_NAMES = _ENGINE_NAMES | _SESSION_NAMES | _SCOPED
_SYNC_PLACES = ("sqlalchemy", "sqlalchemy.orm", "sqlalchemy.orm.session", "sqlalchemy.engine", "sqlalchemy.pool")
_POOLS = frozenset({"NullPool", "AsyncAdaptedQueuePool"})

_ABSENT: dict[str, frozenset[str]] = {
    **dict.fromkeys((*_SYNC_PLACES, "sqlalchemy.future"), _ASYNC_NAMES),
    "sqlmodel": _ASYNC_NAMES | _POOLS | {"sessionmaker"},
    "sqlmodel.ext.asyncio": _ASYNC_NAMES | {"create_engine", "sessionmaker"},
    _SQLMODEL_SESSION: (_ASYNC_NAMES - {"AsyncSession"}) | {"create_engine", "sessionmaker"},
    _ASYNCIO: frozenset({"create_engine", "sessionmaker"}),
    f"{_ASYNCIO}.session": _ENGINE_NAMES | _SCOPED,
    f"{_ASYNCIO}.engine": _SESSION_NAMES | _SCOPED,
}
_ABSENT["sqlalchemy"] |= {"sessionmaker"}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each name at its own place in the import statement."""
    for module in facts.modules:
        for one in module.imports:
            if _is_absent(facts, one) and one.level == "module" and not _imported(facts, module):
                yield _finding(facts, module, one)


def _is_absent(facts: Facts, one: Import) -> bool:
    if one.name not in _ABSENT.get(one.module, ()):
        return False
    if one.module != _SQLMODEL_SESSION or one.name not in _LEAKED:
        return True
    version = facts.installed.version("sqlmodel")
    return version is None or tuple(int(n) for n in version.split(".")[:3] if n.isdigit()) > _LEAKED_UNTIL


def _imported(facts: Facts, module: Module) -> bool:
    return facts.boot is not None and any(one.ok and one.path == module.path for one in facts.boot.imports)


def _finding(facts: Facts, module: Module, one: Import) -> Finding:
    name = one.name or ""
    home = _home(name, one.module)
    phase = facts.boot.phase("import") if facts.boot else None
    seen = phase is not None and phase.error is not None and f"'{name}' from '{one.module}'" in phase.error.message
    imported = name if one.alias == name else f"{name} as {one.alias}"
    removed = RemoveImport(module.path, one.module, name)
    changes = (removed, AddImport(module.path, home, imported)) if one.used else (removed,)
    return CHECK.finding(
        one.span.place,
        f"`{name}` is imported from `{one.module}`, which has no such name",
        root_cause=f"`{name}` lives in `{home}`; importing it from elsewhere raises ImportError.",
        fixes=(Fix(f"Import `{name}` from `{home}`", changes, safe=True, why="The import fails as it stands."),),
        severity=Severity.BLOCKS if module.role == "app" and not (phase and phase.ok) else Severity.LATENT,
        evidence=Evidence.BOTH if seen else Evidence.STATIC,
    )


def _home(name: str, module: str) -> str:
    if name == "AsyncSession" and module.startswith("sqlmodel"):
        return _SQLMODEL_SESSION
    special = {"create_engine": "sqlalchemy", "sessionmaker": "sqlalchemy.orm"}
    return "sqlalchemy.pool" if name in _POOLS else special.get(name, _ASYNCIO)
