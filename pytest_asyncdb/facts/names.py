"""Canonical names: what a name in a file is called where it comes from, through aliases and re-exports."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.bindings import Bound

if TYPE_CHECKING:
    from pytest_asyncdb.facts.bindings import Scope
    from pytest_asyncdb.facts.codebase import Codebase

_DEPTH = 12
_HOMES = {
    "sqlalchemy.engine.create.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.engine.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.engine.engine_from_config": "sqlalchemy.engine_from_config",
    "sqlalchemy.engine.url.URL": "sqlalchemy.URL",
    "sqlalchemy.engine.URL": "sqlalchemy.URL",
    "sqlalchemy.engine.url.make_url": "sqlalchemy.make_url",
    "sqlalchemy.engine.make_url": "sqlalchemy.make_url",
    "sqlalchemy.orm.session.Session": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.session.sessionmaker": "sqlalchemy.orm.sessionmaker",
    "asyncpg.pool.create_pool": "asyncpg.create_pool",
    "asyncpg.connection.connect": "asyncpg.connect",
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "litestar.app.Litestar": "litestar.Litestar",
    "sanic.app.Sanic": "sanic.Sanic",
    "quart.app.Quart": "quart.Quart",
}
_STARS = {
    "sqlmodel": ("SQLModel", "create_engine", "Session", "Field", "select"),
    "sqlalchemy": ("create_engine", "URL", "make_url", "engine_from_config", "text"),
    "sqlalchemy.orm": ("sessionmaker", "Session", "scoped_session"),
    "sqlalchemy.ext.asyncio": (
        "create_async_engine", "async_engine_from_config", "AsyncEngine", "AsyncConnection", "AsyncSession",
        "async_sessionmaker", "async_scoped_session",
    ),
    "sqlalchemy.pool": ("NullPool", "QueuePool", "StaticPool", "AsyncAdaptedQueuePool"),
    "fastapi": ("FastAPI", "APIRouter", "Depends"),
}  # fmt: skip


class Names:
    """Resolves names against the whole project."""

    def __init__(self, codebase: Codebase) -> None:
        """Remember where modules are found."""
        self._codebase = codebase
        self._followed: set[int] = set()

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        """Dotted names of folders that hold modules, with or without ``__init__.py``."""
        found: set[str] = set()
        for name in self._codebase.paths:
            parts = name.split(".")
            found.update(".".join(parts[:end]) for end in range(1, len(parts)))
        return frozenset(found)

    def canonical(self, node: ast.expr, scope: Scope) -> str | None:  # noqa: PLR0911 - one return per kind of name
        """Dotted origin of a name or attribute; None for what only running it would tell, and for builtins."""
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                owner = scope.owner()
                return owner.dotted(node.attr) if owner else None
            base = self.canonical(node.value, scope)
            return self.member(base, node.attr) if base else None
        if not isinstance(node, ast.Name):
            return None
        found = self.find(node.id, scope)
        if found is None:
            return self._from_stars(node.id, scope.top, 0)
        bound, where = found
        if bound.values and where is scope and node.lineno <= (bound.values[0][0].end_lineno or 0):
            # `AsyncSession = sessionmaker(class_=AsyncSession)`: up to there the name is the imported one.
            if bound.imported:
                return self._origin(node.id, Bound(imported=bound.imported), where, 0)
            starred = self._from_stars(node.id, scope.top, 0)
            if starred is not None:
                return starred
        return self._origin(node.id, *found, 0)

    def callee(self, node: ast.expr, scope: Scope) -> str | None:
        """Canonical name of what is called, also of ``async_sessionmaker[AsyncSession](...)``."""
        return self.canonical(node.value if isinstance(node, ast.Subscript) else node, scope)

    def find(self, name: str, scope: Scope) -> tuple[Bound, Scope] | None:
        """The binding that a name refers to in a scope, and the scope that has it."""
        here: Scope | None = scope
        while here is not None:
            # A class body is no enclosing scope for the functions in it.
            if name in here.bindings and (here.kind != "class" or here is scope):
                return here.bindings[name], here
            here = here.parent
        return None

    def member(self, base: str, name: str, depth: int = 0) -> str:
        """Canonical name of ``base.name``."""
        module = self._codebase.module(base) if base in self._codebase.paths else None
        if module is None or depth > _DEPTH:
            return self.home(f"{base}.{name}")
        bound = module.scope.bindings.get(name)
        if bound is not None:
            return self._origin(name, bound, module.scope, depth + 1) or f"{module.name}.{name}"
        submodule = f"{module.name}.{name}"
        if submodule in self._codebase.paths or submodule in self._namespaces:
            return submodule
        return self._from_stars(name, module.scope, depth + 1) or submodule

    def home(self, name: str) -> str:
        """The public name of what lives in several places of a library."""
        for internal in ("engine", "session"):
            name = name.replace(f"sqlalchemy.ext.asyncio.{internal}.", "sqlalchemy.ext.asyncio.", 1)
        return _HOMES.get(name, name)

    def _origin(self, name: str, bound: Bound, scope: Scope, depth: int) -> str | None:
        if depth > _DEPTH:
            return None
        if bound.imported is not None and bound.definition is None and all(map(_is_none, bound.values)):
            module, member = bound.imported
            return self.member(module, member, depth) if member is not None else self._module(module)
        if scope.kind == "function":
            return scope.dotted(name) if bound.definition is not None else self._alias(bound, depth)
        alias = self._alias(bound, depth) if bound.definition is None and bound.imported is None else None
        return alias or scope.dotted(name)

    def _module(self, name: str) -> str:
        path = self._codebase.paths.get(name)
        return self._codebase.names[path] if path is not None else self.home(name)

    def _alias(self, bound: Bound, depth: int) -> str | None:
        """``ce = sqlalchemy.create_engine`` is another name for it; a call or a literal is not."""
        if bound.opaque or len(bound.values) != 1 or depth > _DEPTH or id(bound) in self._followed:
            return None
        value, scope = bound.values[0]
        if not isinstance(value, ast.Name | ast.Attribute):
            return None
        self._followed.add(id(bound))
        try:
            return self.canonical(value, scope)
        finally:
            self._followed.discard(id(bound))

    def _from_stars(self, name: str, scope: Scope, depth: int) -> str | None:
        for star in reversed(scope.stars):
            if name in _STARS.get(star, ()):
                return self.home(f"{star}.{name}")
            module = self._codebase.module(star)
            if module is None or depth > _DEPTH:
                continue
            if name in module.scope.bindings:
                return self.member(star, name, depth + 1)
            further = self._from_stars(name, module.scope, depth + 1)
            if further is not None:
                return further
        return None


def _is_none(value: tuple[ast.expr, Scope]) -> bool:
    """``except ImportError: asyncpg = None`` leaves the name what it was imported as, where it matters."""
    return isinstance(value[0], ast.Constant) and value[0].value is None
