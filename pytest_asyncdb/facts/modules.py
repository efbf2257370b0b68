"""The facts about Python modules: what each imports and calls, with names resolved and positions exact."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.codebase import Source
from pytest_asyncdb.facts.python import Argument, Call, Expression, Import, Level, Module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.bindings import RawCall, RawImport, Scope
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.names import Names

_MATTERS = re.compile(
    r"""sqlalchemy\.(?:ext\.asyncio|pool|event|create_engine|engine_from_config|URL|make_url
        |orm\.(?:sessionmaker|Session|scoped_session|declarative_base)|util|exc)\b
    | sqlmodel\.(?:create_engine|Session|ext|SQLModel\.metadata) | advanced_alchemy
    | fastapi\.(?:FastAPI|APIRouter|Depends) | starlette\.(?:applications|routing) | litestar\.(?:Litestar|Router)
    | quart\. | sanic\. | uvicorn\. | asyncio\. | anyio\.
    | (?:os\.(?:getenv|environ)|alembic|dotenv|databases|asyncpg|psycopg2?|psycopg_pool|aiopg|greenlet)\b""",
    re.VERBOSE,
)
_OWN = frozenset(
    {
        "create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config", "AsyncEngine",
        "sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session", "AsyncSession", "Session",
        "create_pool", "create_all", "drop_all", "dispose", "run_sync", "include_router", "mount", "connect", "begin",
    }
)  # fmt: skip
_QUOTED = re.compile(r"[\"']|://")
_LITERAL_TYPES = (bool, int, float, str)


def modules(codebase: Codebase, names: Names) -> tuple[Module, ...]:
    """Describe every Python file of the project; those that mention nothing relevant have no imports and calls."""
    relevant = frozenset(codebase.relevant)
    wanted = {(one.module, one.alias.name) for source in codebase.sources() for one in source.imports}
    return tuple(_module(codebase, names, path, wanted, parse=path in relevant) for path in codebase.names)


def _module(codebase: Codebase, names: Names, path: str, wanted: set[tuple[str, str]], *, parse: bool) -> Module:
    name, is_package = codebase.names[path], path.endswith("__init__.py")
    if not parse:
        return Module(name, path, is_package=is_package, role=codebase.roles[path])
    source, role = codebase.parse(path), codebase.role(path)
    if not isinstance(source, Source):
        return Module(name, path, is_package=is_package, role=role, fault=source)
    reader = Describer(codebase, names, source)
    imports = tuple(reader.imported(one, wanted) for one in source.imports)
    calls, fault = tuple(reader.calls()), codebase.fault(path)
    return Module(name, path, is_package=is_package, role=role, imports=imports, calls=calls, fault=fault)


class Describer:
    """Turns the nodes of one module into facts."""

    def __init__(self, codebase: Codebase, names: Names, source: Source) -> None:
        """Remember the module."""
        self._redactor = codebase.project.redactor
        self._names = names
        self._source = source
        # Of newer syntax some names can't be seen: whether an import is used isn't known then.
        self._is_newer = codebase.project.newer(source.path) is not None

    def imported(self, raw: RawImport, wanted: set[tuple[str, str]]) -> Import:
        """Describe one imported name; ``wanted`` are the (module, name) pairs that any module imports."""
        source, bound = self._source, raw.bound
        is_from = isinstance(raw.node, ast.ImportFrom)
        explicit = raw.alias.asname == raw.alias.name
        exported = bound == "*" or source.is_package or explicit or (source.name, bound) in wanted or self._is_newer
        return Import(
            module=raw.module,
            name=raw.alias.name if is_from else None,
            alias=bound,
            span=source.span(raw.alias),
            statement=source.span(raw.node),
            level=raw.level,
            used=exported or source.reads[bound] > 0,
            reads=0 if exported else source.reads[bound],
        )

    def calls(self) -> Iterator[Call]:
        """Describe the calls that matter: of database and framework packages, and the project's own named like them."""
        for raw in self._source.calls:
            target = self._names.callee(raw.node.func, raw.scope)
            if target is not None and (_MATTERS.match(target) or target.rpartition(".")[2] in _OWN):
                yield self.call(raw.node, raw.scope, raw.level, target, self.assigned(raw))

    def call(self, node: ast.Call, scope: Scope, level: Level, target: str, assigned_to: str | None = None) -> Call:
        """Describe one call."""
        return Call(
            target=target,
            callee=self._source.span(node.func),
            span=self._source.span(node),
            arguments=tuple(self._arguments(node, scope, level)),
            assigned_to=assigned_to,
            level=level,
        )

    def assigned(self, raw: RawCall) -> str | None:
        """Canonical name of what the call's result is bound to at module or class level."""
        match raw.target:
            case ast.Name(id=name):
                place = raw.scope.top if name in raw.scope.globals else raw.scope
                return None if place.kind == "function" else place.dotted(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                owner = raw.scope.owner()
                return owner.dotted(name) if owner else None
            case ast.Attribute():
                return self._names.canonical(raw.target, raw.scope)
        return None

    def expression(self, node: ast.expr, scope: Scope, level: Level) -> Expression:
        """Describe one expression."""
        text = self._source.segment(node)
        is_literal, literal = _literal(node)
        inner = None
        if isinstance(node, ast.Call):
            target = self._names.callee(node.func, scope) or self._source.segment(node.func)
            inner = self.call(node, scope, level, target)
        return Expression(
            source=self._hide(text) if _QUOTED.search(text) else text,
            span=self._source.span(node),
            canonical=self._names.canonical(node, scope),
            literal=self._hide(literal) if isinstance(literal, str) else literal,
            is_literal=is_literal,
            call=inner,
        )

    def _arguments(self, node: ast.Call, scope: Scope, level: Level) -> Iterator[Argument]:
        source = self._source
        for value in node.args:
            keyword = "*" if isinstance(value, ast.Starred) else None
            yield Argument(keyword, source.span(value), self.expression(value, scope, level))
        for given in node.keywords:
            start = source.start(given)
            if given.arg is None:  # the node starts behind the stars
                start = source.lines.text.rindex("**", 0, source.start(given.value) + 1)
            span = source.lines.span(start, source.end(given.value))
            yield Argument(given.arg or "**", span, self.expression(given.value, scope, level))

    def _hide(self, text: str) -> str:
        return self._redactor.text(text)


def _literal(node: ast.expr) -> tuple[bool, bool | int | float | str | None]:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, _LITERAL_TYPES)):
        return True, node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        number = node.operand.value
        if isinstance(number, int | float):
            return True, -number
    return False, None
