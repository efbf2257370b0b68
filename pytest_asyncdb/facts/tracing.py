"""The URL of an engine: from the expression it is made with back to the place where the project wrote it."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.engines import EngineUrl
from pytest_asyncdb.facts.flow import decorators, is_property
from pytest_asyncdb.facts.settings import SettingsReader
from pytest_asyncdb.urls.parse import InvalidURL, parse_url
from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.scopes import Bound, Scope
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place

_DEPTH = 14
_SAME = frozenset(
    {"str", "make_url", "SecretStr", "PostgresDsn", "AnyUrl", "URL", "DatabaseURL", "Url", "MultiHostUrl", "cast", "parse_obj_as"}
)
_SAME_METHODS = frozenset(
    {"get_secret_value", "unicode_string", "render_as_string", "strip", "lstrip", "rstrip", "human_repr", "format", "encode"}
)
_READERS = frozenset({"getenv", "get", "config", "str", "env", "Env", "pop", "db", "url"})
_ENVIRONMENT = ("os.getenv", "os.environ", "decouple.", "environs.", "environ.", "starlette.config", "starlette.Config", "dotenv.")


class Tracer:
    """Traces URL expressions."""

    def __init__(self, codebase: Codebase, flow: Flow, urls: Iterable[WrittenUrl], folders: tuple[str, ...]) -> None:
        """Take all written URLs; ``folders`` are those whose ``.env`` the app reads, nearest first."""
        self._codebase = codebase
        self._flow = flow
        self._urls = tuple(urls)
        self._settings = SettingsReader(flow, self._urls, folders)
        self._following: set[int] = set()

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
        if depth > _DEPTH or id(node) in self._following:
            return None
        self._following.add(id(node))
        try:
            return self._trace(node, scope, place, depth + 1)
        finally:
            self._following.discard(id(node))

    def _trace(self, node: ast.expr, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
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
            case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
                return self._joined(left, node, scope, place, depth)
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
            return uncertain(self.trace(inner, scope, place, depth)) if inner is not None else None
        return of_text(str(node.value), source.span(node).place) if isinstance(node, ast.Constant) else None

    def _joined(self, left: ast.expr, node: ast.BinOp, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        """``"postgresql://" + rest``: only what stands at the front is known."""
        found = self.trace(left, scope, place, depth)
        if found is None and isinstance(left, ast.Constant) and isinstance(left.value, str):
            source = self._flow.source(scope)
            scheme, mark, _ = left.value.partition("://")
            if mark and source is not None:
                return EngineUrl(scheme, None, None, None, None, (), source.span(node).place, certain=False)
        return uncertain(found)

    def _name(self, node: ast.Name | ast.Attribute, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        found = self._flow.bound(node, scope)
        if found is None:
            return None
        bound, where = found
        if where.kind == "class":
            return self._member(node, bound, where, place, depth)
        urls = [url for value in bound.values if (url := self.trace(*value, place, depth)) is not None]
        known = bool(urls) and not bound.opaque and all((one.scheme, one.place) == (urls[0].scheme, urls[0].place) for one in urls)
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
        written = self._settings.from_environment(owner, name, node)
        found = of_written(written) if written is not None else None
        for value in () if found is not None else self._settings.defaults(bound):
            found = found or self.trace(*value, place, depth)
        validators = self._settings.validators(owner, name)
        if found is None:
            returned = [value for one in validators for value in self._flow.returns(one)]
            found = next((url for value in returned if (url := self.trace(*value, place, depth)) is not None), None)
        return uncertain(found) if validators else found

    def _call(self, node: ast.Call, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        target = self._flow.names.canonical(node.func, scope) or ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in ("create", "build") and (made := self._from_parts(node, scope, place)) is not None:
            return made
        if name in ("set", "_replace") and receiver is not None:
            return self._with_scheme(self.trace(receiver, scope, place, depth), node)
        if name == "replace" and receiver is not None:
            return _replaced(self.trace(receiver, scope, place, depth), node)
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
        """The result of one of the project's own functions, else what was handed to it."""
        returned = self._flow.returns(function)
        found = next((url for value in returned if (url := self.trace(*value, place, depth)) is not None), None)
        if found is not None and len(returned) == 1 and "contextmanager" not in decorators(function.definition or node):
            return uncertain(found)
        return uncertain(found or self._first(node.args, scope, place, depth))

    def _read(self, node: ast.Call, scope: Scope, place: Place, depth: int) -> EngineUrl | None:
        key = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if not isinstance(key, str):
            return None
        written = self._settings.by_key(key)
        if written is not None:
            return of_written(written)
        default = next((one.value for one in node.keywords if one.arg == "default"), None)
        default = default or (node.args[1] if len(node.args) > 1 else None)
        return self.trace(default, scope, place, depth) if default is not None else None

    def _key(self, value: ast.expr, key: str, scope: Scope, place: Place) -> EngineUrl | None:
        if self._flow.names.canonical(value, scope) == "os.environ" or self._flow.bound(value, scope) is None:
            written = self._settings.by_key(key)
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

    def _from_parts(self, node: ast.Call, scope: Scope, place: Place) -> EngineUrl | None:
        """``URL.create(drivername="postgresql+asyncpg", host=...)`` and ``PostgresDsn.build(scheme=...)``."""
        given = {one.arg: one.value for one in node.keywords if one.arg}
        scheme = given.get("drivername") or given.get("scheme") or (node.args[0] if node.args else None)
        values = self._flow.final(scheme, scope) if scheme is not None else []
        texts = [value.value for value, _ in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        source = self._flow.source(scope)
        if not texts or source is None:
            return None
        text = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
        return EngineUrl(
            scheme=texts[0],
            host=_text(text.get("host")),
            port=_text(text.get("port")),
            database=_text(text.get("database") or text.get("path")),
            username=_text(text.get("username")),
            parameters=_parameters(given.get("query")),
            place=source.span(node).place,
            certain=len(texts) == len(values) == 1,
        )

    def _with_scheme(self, url: EngineUrl | None, node: ast.Call) -> EngineUrl | None:
        given = next((one.value for one in node.keywords if one.arg in ("drivername", "scheme")), None)
        if url is not None and isinstance(given, ast.Constant) and isinstance(given.value, str):
            return replace(url, scheme=given.value, certain=False)
        return uncertain(url)


def uncertain(url: EngineUrl | None) -> EngineUrl | None:
    """The same URL, as what it may be: project code that nobody has run stands between."""
    return replace(url, certain=False) if url is not None else None


def of_written(url: WrittenUrl) -> EngineUrl:
    """The URL of an engine that uses what stands in a file as it is."""
    return EngineUrl(
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        database=url.database,
        username=url.username,
        parameters=tuple((one.name, one.value) for one in url.parameters),
        place=url.span.place,
        certain=True,
        written=url,
    )


def of_text(text: str, place: Place) -> EngineUrl | None:
    """The URL that a text is; None when it is none."""
    try:
        url = parse_url(text)
    except InvalidURL:
        return None
    parameters = tuple((one.name, MASK if is_secret_parameter(one.name) else one.value) for one in url.parameters)
    return EngineUrl(url.scheme, url.host, url.port, url.database, url.username, parameters, place, certain=True)


def _replaced(url: EngineUrl | None, node: ast.Call) -> EngineUrl | None:
    """``url.replace("postgresql://", "postgresql+asyncpg://")``, carried out on the scheme."""
    texts = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if url is None or len(texts) < 2:  # noqa: PLR2004 - what and by what
        return uncertain(url)
    scheme = f"{url.scheme}://".replace(*texts).partition("://")[0]
    return replace(url, scheme=scheme, certain=False)


def _parameters(node: ast.expr | None) -> tuple[tuple[str, str], ...]:
    if not isinstance(node, ast.Dict):
        return ()
    pairs = ((key.value, value.value) for key, value in _constants(node))
    return tuple((str(key), MASK if is_secret_parameter(str(key)) else str(value)) for key, value in pairs)


def _constants(node: ast.Dict) -> list[tuple[ast.Constant, ast.Constant]]:
    pairs = zip(node.keys, node.values, strict=True)
    return [(key, value) for key, value in pairs if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
