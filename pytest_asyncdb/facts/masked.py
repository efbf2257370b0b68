"""Texts of SQLAlchemy's URLs, which have ``***`` for their password, where an engine or Alembic gets them as a URL."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.alembic_options import URL, options_set, shown
from pytest_asyncdb.facts.codebase import Source
from pytest_asyncdb.facts.flow import Flow
from pytest_asyncdb.facts.roots import folders_of
from pytest_asyncdb.facts.tracing import Tracer
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.facts.bindings import RawCall, Scope
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.facts.names import Names
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Span
    from pytest_asyncdb.sources.project import Project

_DEPTH = 6
_MAKERS = frozenset({"create_engine", "create_async_engine"})
_URLS = frozenset({"sqlalchemy.URL", "sqlalchemy.URL.create"})
_TYPES = frozenset({"sqlalchemy.Engine", "sqlalchemy.engine.Engine", "sqlalchemy.ext.asyncio.AsyncEngine"})
_SAME = frozenset({"engine", "sync_engine", "bind"})
"""Attributes that lead from one object with a URL to another: ``connection.engine.url``."""
_CHANGED = frozenset("set update_query_dict update_query_pairs update_query_string difference_update_query".split())  # noqa: SIM905 - a plain list of words
_TEXTS = frozenset("replace removeprefix removesuffix strip lstrip rstrip split rsplit partition format".split())  # noqa: SIM905 - a plain list of words
_PASSWORD = 2
"""The position of the password among the arguments of ``URL.create``."""


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A URL as a text without its password.

    ``taker`` is the name of what gets it as a URL. ``scheme`` is empty where nothing tells it; ``has_password`` is None
    where nothing tells whether there is one.
    """

    taker: str
    source: str
    """The expression, without secrets; empty where one may be in it."""
    span: Span
    inner: Span
    """The URL in it; for ``render_as_string()`` the whole call up to its closing parenthesis."""
    is_rendered: bool
    """Whether it is ``url.render_as_string()``, rather than ``str(url)``."""
    is_editable: bool
    doubles: bool
    """Whether what gets it refuses a percent sign that is not doubled."""
    role: str
    """Of the file with what gets it: ``app``, ``test``, ``migration`` or ``script``."""
    scheme: str = ""
    has_password: bool | None = None


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: str = ""
    has_password: bool | None = None


class Masked:
    """Finds them.

    Args:
        project: the project on disk.
        codebase: its modules.
        names: resolves names in them.
        app: the app whose ``.env`` counts.
        urls: every URL written in the project.
        engines: as the sources define them.
    """

    def __init__(  # noqa: PLR0913 - all that is known of the sources
        self,
        project: Project,
        codebase: Codebase,
        names: Names,
        app: App | None,
        *,
        urls: Iterable[WrittenUrl],
        engines: Iterable[Engine],
    ) -> None:
        """Nothing is searched yet."""
        self._project = project
        self._codebase = codebase
        self._flow = Flow(codebase, names)
        self._tracer = Tracer(codebase, self._flow, urls, folders_of(app))
        self._engines = {engine.place: engine for engine in engines}

    def texts(self) -> Iterator[MaskedText]:
        """Every such text, once for each that gets it."""
        for engine in self._engines.values():
            source, taker = self._codebase.parse(engine.place.path), engine.function.rpartition(".")[2]
            calls = source.calls if isinstance(source, Source) and taker in _MAKERS else []
            for raw in (one for one in calls if one.node.lineno == engine.place.line):
                if self._place(raw.node, raw.scope) == engine.place and not _has_its_own(raw.node):
                    given = [one.value for one in raw.node.keywords if one.arg == "url"] or raw.node.args[:1]
                    for value in given:
                        yield from self._given(value, raw, taker)
        for option in options_set(self._project, self._codebase):
            if option.name.lower() == URL:
                setter = getattr(option.raw.node.func, "attr", "")
                yield from self._given(option.value, option.raw, setter)

    def _given(self, value: ast.expr, raw: RawCall, taker: str) -> Iterator[MaskedText]:
        source = self._flow.source(raw.scope)
        for node, url, scope in self._masked(value, raw.scope):
            origin = self._origin(url, scope)
            there = self._flow.source(scope)
            if origin is None or there is None or source is None or source.role == "generated":
                continue
            rendered = isinstance(node, ast.Call) and node.args == [] and node.keywords == []
            within = there is source and source.start(raw.node) <= there.start(node) < source.end(raw.node)
            yield MaskedText(
                taker=taker,
                source=shown(self._project, there, node),
                span=there.span(node),
                inner=there.span(url),
                is_rendered=rendered,
                is_editable=isinstance(node, ast.Call) and isinstance(url, ast.Name | ast.Attribute | ast.Call),
                doubles=within and taker.startswith("set_") and '"%%"' not in source.lines.text.replace("'", '"'),
                role=source.role,
                scheme=origin.scheme,
                has_password=origin.has_password,
            )

    def _masked(self, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[tuple[ast.expr, ast.expr, Scope]]:
        """The expressions that make a text of a URL, each with the URL."""
        for value, inside in self._flow.final(node, scope) if depth <= _DEPTH else ():
            match value:
                case ast.Call(func=ast.Name(id="str" | "repr"), args=[url], keywords=[]):
                    yield value, url, inside
                case ast.Call(func=ast.Attribute(value=url, attr="render_as_string"), args=[], keywords=[]):
                    yield value, url, inside
                case ast.JoinedStr(values=[ast.FormattedValue(value=url), *_]):
                    yield value, url, inside
                case ast.Call(func=ast.Attribute(value=text, attr=name)) if name in _TEXTS:
                    yield from self._masked(text, inside, depth + 1)
                case ast.Subscript(value=text) | ast.BinOp(left=text, op=ast.Add()) | ast.NamedExpr(value=text):
                    yield from self._masked(text, inside, depth + 1)
                case ast.BoolOp(values=values):
                    for one in values:
                        yield from self._masked(one, inside, depth + 1)

    def _origin(self, node: ast.expr, scope: Scope, depth: int = 0) -> _Origin | None:
        """What is known of an expression that is a URL of SQLAlchemy's; None of any other."""
        values = self._flow.final(node, scope) if depth <= _DEPTH else []
        found = [self._made(value, inside, depth) for value, inside in values]
        known = [one for one in found if one is not None]
        return known[0] if known and len(known) == len(found) else None

    def _made(self, value: ast.expr, scope: Scope, depth: int) -> _Origin | None:
        if isinstance(value, ast.Attribute) and value.attr == "url":
            return self._of_engine(value.value, scope, depth)
        if isinstance(value, ast.Call):
            target = self._flow.names.canonical(value.func, scope) or ""
            if target in _URLS:
                return self._of_parts(value, scope)
            if target == "sqlalchemy.make_url" and value.args:
                return self._of_url(self._tracer.trace(value.args[0], scope, self._place(value, scope)))
            if isinstance(value.func, ast.Attribute) and value.func.attr in _CHANGED:
                return self._origin(value.func.value, scope, depth + 1)
        return _Origin() if self._annotation(value, scope) == "sqlalchemy.URL" else None

    def _of_engine(self, node: ast.expr, scope: Scope, depth: int) -> _Origin | None:
        """The URL of an engine, or of what has one."""
        for value, inside in self._flow.final(node, scope) if depth <= _DEPTH else ():
            if isinstance(value, ast.Call) and (engine := self._engines.get(self._place(value, inside))) is not None:
                return self._of_url(engine.url)
            if isinstance(value, ast.Attribute) and value.attr in _SAME:
                return self._of_engine(value.value, inside, depth + 1)
            if self._annotation(value, inside) in _TYPES:
                return _Origin()
        return None

    def _annotation(self, node: ast.expr, scope: Scope) -> str | None:
        found = self._flow.bound(node, scope) if isinstance(node, ast.Name | ast.Attribute) else None
        hint = found[0].annotation if found is not None else None
        return self._flow.names.canonical(hint, found[1]) if found is not None and hint is not None else None

    def _of_parts(self, node: ast.Call, scope: Scope) -> _Origin:
        given = {one.arg: one.value for one in node.keywords}
        password = given.get("password", *node.args[_PASSWORD : _PASSWORD + 1])
        url = self._tracer.trace(node, scope, self._place(node, scope))
        return _Origin(url.scheme if url else "", password is not None and not _is_none(password))

    def _of_url(self, url: EngineUrl | None) -> _Origin:
        written = url.written if url is not None else None
        return _Origin(url.scheme if url else "", True if written is not None and written.has_password else None)

    def _place(self, node: ast.expr, scope: Scope) -> Place:
        source = self._flow.source(scope)
        return source.span(node).place if source is not None else Place(scope.module)


def _has_its_own(call: ast.Call) -> bool:
    """Whether an engine connects with another password than that of its URL, as with a token."""
    given = {one.arg: one.value for one in call.keywords}
    arguments = given.get("connect_args")
    keys = arguments.keys if isinstance(arguments, ast.Dict) else []
    has_password = any(isinstance(one, ast.Constant) and one.value == "password" for one in keys)
    return has_password or not given.keys().isdisjoint({"creator", "async_creator"})


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
