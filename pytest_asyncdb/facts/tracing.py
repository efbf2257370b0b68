"""The URL of an engine: from the expression it is made with back to the place where the project wrote it."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.engine_urls import (
    appended_parameters,
    of_parts,
    of_text,
    of_written,
    replaced,
    uncertain,
    with_parameters,
    with_scheme,
    without_query,
)
from pytest_asyncdb.facts.engines import EngineUrl
from pytest_asyncdb.facts.flow import decorators, is_property
from pytest_asyncdb.facts.settings import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.facts.bindings import Bound, Scope
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place

_DEPTH = 14
_STEPS = 4000
"""How many expressions are looked at for one URL: what goes through many functions has no end of ways."""
_SAME = frozenset(
    {
        "str",
        "make_url",
        "SecretStr",
        "PostgresDsn",
        "AnyUrl",
        "URL",
        "DatabaseURL",
        "Url",
        "MultiHostUrl",
        "cast",
        "parse_obj_as",
    }
)
_SAME_METHODS = frozenset(
    {
        "get_secret_value",
        "unicode_string",
        "render_as_string",
        "strip",
        "lstrip",
        "rstrip",
        "human_repr",
        "format",
        "encode",
    }
)
_READERS = frozenset({"getenv", "get", "config", "str", "env", "Env", "pop", "db", "url"})
_ENVIRONMENT = (
    "os.getenv",
    "os.environ",
    "decouple.",
    "environs.",
    "environ.",
    "starlette.config",
    "starlette.Config",
    "dotenv.",
)


class Tracer:
    """Traces URL expressions."""

    def __init__(self, codebase: Codebase, flow: Flow, urls: Iterable[WrittenUrl], folders: tuple[str, ...]) -> None:
        """Take all written URLs; ``folders`` are those whose ``.env`` the app reads, nearest first."""
        self._codebase = codebase
        self._flow = flow
        self._urls = tuple(urls)
        self.settings = SettingsReader(flow, self._urls, folders)
        self._following: set[int] = set()
        self._left = _STEPS

    @cached_property
    def _literals(self) -> dict[str, list[WrittenUrl]]:
        found: dict[str, list[WrittenUrl]] = {}
        for url in self._urls:
            if url.kind == "python":
                found.setdefault(url.span.path, []).append(url)
        return found

    def trace(self, node: ast.expr, scope: Scope, place: Place, depth: int = 0) -> EngineUrl | None:
        """Find the URL that an expression stands for.

        Args:
            node: the expression.
            scope: where it stands.
            place: of the engine, for URLs that are written nowhere as such.
            depth: how far the value has been followed.
        """
        self._left = self._left - 1 if depth else _STEPS
        if depth > _DEPTH or id(node) in self._following or self._left < 0:
            return None
        self._following.add(id(node))
        try:
            found = self._trace(node, scope, place, depth + 1)
        finally:
            self._following.discard(id(node))
        return found if depth or self._left >= 0 else uncertain(found)

    def _trace(  # noqa: PLR0911 - one return per kind of expression
        self, node: ast.expr, scope: Scope, place: Place, depth: int
    ) -> EngineUrl | None:
        match node:
            case ast.Constant(value=str()) | ast.JoinedStr():
                return self._literal(node, scope, place, depth)
            case ast.Name() | ast.Attribute():
                return self._name(node, scope, place, depth)
            case ast.Call():
                return self._call(node, scope, place, depth)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                return self._key(value, key, scope, place)
            case ast.BoolOp(values=values):
                return self._first(values, scope, place, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return uncertain(self._first((body, orelse), scope, place, depth))
            case ast.Subscript(value=ast.Call(args=[ast.Constant(value="?"), *_]) as cut, slice=ast.Constant(value=0)):
                return without_query(self._cut(cut, scope, place, depth))
            case ast.BinOp(op=ast.Add() | ast.Mod()):
                return self._joined(node, scope, place, depth)
            case ast.Await(value=value) | ast.NamedExpr(value=value) | ast.Starred(value=value):
                return self.trace(value, scope, place, depth)
        return None

    def _first(self, nodes: Iterable[ast.expr], scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        return next((found for node in nodes if (found := self.trace(node, scope, place, depth)) is not None), None)

    def _literal(self, node: ast.expr, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        source = self._flow.source(scope)
        if source is None:
            return None
        start, end = source.start(node), source.end(node)
        for url in self._literals.get(source.path, ()):
            if start <= url.span.start < end:
                return of_written(url)
        if isinstance(node, ast.JoinedStr):
            first = node.values[0] if node.values else None
            inner = first.value if isinstance(first, ast.FormattedValue) else None
            traced = uncertain(self.trace(inner, scope, place, depth)) if inner is not None else None
            return with_parameters(traced, appended_parameters(source, node))
        return of_text(str(node.value), source.span(node).place) if isinstance(node, ast.Constant) else None

    def _joined(self, node: ast.BinOp, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        """``"postgresql://" + rest + "?ssl=require"``: what stands at the front and at the end is known."""
        left, source = node.left, self._flow.source(scope)
        found = self.trace(left, scope, place, depth)
        if found is None and isinstance(left, ast.Constant) and isinstance(left.value, str):
            scheme, mark, _ = left.value.partition("://")
            if mark and source is not None:
                return EngineUrl(scheme, None, None, None, None, (), source.span(node).place, certain=False)
        added = appended_parameters(source, node.right) if source is not None and isinstance(node.op, ast.Add) else ()
        return with_parameters(uncertain(found), added)

    def _cut(self, node: ast.Call, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        """The URL of ``url.split("?")`` and ``url.partition("?")``."""
        is_cut = isinstance(node.func, ast.Attribute) and node.func.attr in ("split", "partition")
        return self.trace(node.func.value, scope, place, depth) if is_cut else None  # type: ignore[attr-defined]  # is_cut says so

    def _name(self, node: ast.Name | ast.Attribute, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        found = self._flow.bound(node, scope)
        if found is None:
            return None
        bound, where = found
        if where.kind == "class":
            return self._member(node, bound, where, place, depth)
        if where.kind == "function" and bound.opaque and not bound.values and isinstance(node, ast.Name):
            return self._argument(node.id, where, place, depth)
        urls = [url for value in bound.values if (url := self.trace(*value, place, depth)) is not None]
        known = (
            bool(urls)
            and not bound.opaque
            and all((one.scheme, one.place) == (urls[0].scheme, urls[0].place) for one in urls)
        )
        return urls[0] if known and len(urls) == len(bound.values) else uncertain(urls[-1] if urls else None)

    def _member(
        self, node: ast.Name | ast.Attribute, bound: Bound, owner: Scope, place: Place, depth: int
    ) -> EngineUrl | None:
        """An attribute of a class: a setting that the environment gives, a property, or a plain value."""
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        if bound.definition is not None:
            values = self._flow.returns(bound) if is_property(bound) else []
            found = next((url for value in values if (url := self.trace(*value, place, depth)) is not None), None)
            return found if len(values) == 1 else uncertain(found)
        written = self.settings.from_environment(owner, name, node)
        found = of_written(written) if written is not None else None
        for value in () if found is not None else self.settings.defaults(bound):
            found = found or self.trace(*value, place, depth)
        validators = self.settings.validators(owner, name)
        if found is None:
            returned = [value for one in validators for value in self._flow.returns(one)]
            found = next((url for value in returned if (url := self.trace(*value, place, depth)) is not None), None)
        return uncertain(found) if validators else found

    def _call(  # noqa: PLR0911 - one return per kind of call
        self, node: ast.Call, scope: Scope, place: Place, depth: int
    ) -> EngineUrl | None:
        target = self._flow.names.canonical(node.func, scope) or ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in ("create", "build") and (made := self._from_parts(node, scope)) is not None:
            return made
        if name in ("set", "_replace") and receiver is not None:
            return with_scheme(self.trace(receiver, scope, place, depth), node)
        if name == "replace" and receiver is not None:
            return replaced(self.trace(receiver, scope, place, depth), node)
        if name in _READERS and (target.startswith(_ENVIRONMENT) or self._flow.bound(node.func, scope) is None):
            read = self._read(node, scope, place, depth)
            if read is not None:
                return read
        function = self._flow.bound(node.func, scope)
        if function is not None and isinstance(function[0].definition, ast.FunctionDef | ast.AsyncFunctionDef):
            return self._made_by(function[0], node, scope, place, depth)
        if name in _SAME and node.args:
            return self.trace(node.args[-1 if name in ("cast", "parse_obj_as") else 0], scope, place, depth)
        return self.trace(receiver, scope, place, depth) if receiver is not None and name in _SAME_METHODS else None

    def _made_by(self, function: Bound, node: ast.Call, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        """The result of one of the project's own functions, else what was handed to it.

        Of several results the one that it changed is taken: `startswith` asks for the very URL that would be changed.
        """
        returned = self._flow.returns(function)
        found = [url for value in returned if (url := self.trace(*value, place, depth)) is not None]
        if found and len(returned) == 1 and "contextmanager" not in decorators(function.definition or node):
            return uncertain(found[0])
        given = self._first(node.args, scope, place, depth)
        changed = (url for url in found if given is not None and url.scheme != given.scheme)
        return uncertain(next(changed, found[0] if found else given))

    def _read(self, node: ast.Call, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        key = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if not isinstance(key, str):
            return None
        written = self.settings.by_key(key)
        if written is not None:
            return of_written(written)
        default = next((one.value for one in node.keywords if one.arg == "default"), None)
        default = default or (node.args[1] if len(node.args) > 1 else None)
        return self.trace(default, scope, place, depth) if default is not None else None

    def _key(self, value: ast.expr, key: str, scope: Scope, place: Place) -> EngineUrl | None:
        if self._flow.names.canonical(value, scope) == "os.environ" or self._flow.bound(value, scope) is None:
            written = self.settings.by_key(key)
            return of_written(written) if written is not None else None
        values = [
            pair
            for found, inside in self._flow.final(value, scope)
            if isinstance(found, ast.Dict)
            for name, one in zip(found.keys, found.values, strict=True)
            if isinstance(name, ast.Constant) and name.value == key
            for pair in [(one, inside)]
        ]
        return self.trace(*values[0], place) if values else None

    def _from_parts(self, node: ast.Call, scope: Scope) -> EngineUrl | None:
        """``URL.create(drivername="postgresql+asyncpg", host=...)`` and ``PostgresDsn.build(scheme=...)``."""
        given = {one.arg: one.value for one in node.keywords if one.arg}
        scheme = given.get("drivername") or given.get("scheme") or (node.args[0] if node.args else None)
        values = self._flow.final(scheme, scope) if scheme is not None else []
        texts = [value.value for value, _ in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        source = self._flow.source(scope)
        if not texts or source is None:
            return None
        certain = len(texts) == len(values) == 1
        return of_parts(texts[0], given, source.span(node).place, certain=certain)

    def _argument(self, name: str, where: Scope, place: Place, depth: int) -> EngineUrl | None:
        """What a function's parameter is given where the project calls it; uncertain when there are several calls."""
        own = where.parent.bindings.get(where.name.rpartition(".")[2]) if where.parent else None
        definition = own.definition if own else None
        if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        names = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args) if one.arg != "self"]
        found: list[EngineUrl | None] = []
        for node, scope in self._flow.calls_of(definition.name, own):
            given = next((one.value for one in node.keywords if one.arg == name), None)
            if given is None and name in names and names.index(name) < len(node.args):
                given = node.args[names.index(name)]
            found.append(self.trace(given, scope, place, depth) if given is not None else None)
        known = [url for url in found if url is not None]
        return known[0] if len(known) == len(found) == 1 else uncertain(known[0] if known else None)
