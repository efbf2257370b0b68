"""Engines and session factories as the sources define them."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.arguments import Keywords, dictionary, entry, expanded, keywords, shown
from pytest_asyncdb.facts.engine_urls import of_written
from pytest_asyncdb.facts.engines import Engine, EngineUrl, Pool
from pytest_asyncdb.facts.feeds import Feeds
from pytest_asyncdb.facts.flow import Flow
from pytest_asyncdb.facts.modules import Describer
from pytest_asyncdb.facts.sessions import SessionFactory
from pytest_asyncdb.facts.tracing import Tracer
from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.facts.bindings import RawCall, Scope
    from pytest_asyncdb.facts.codebase import Codebase, Source
    from pytest_asyncdb.facts.feeds import UrlHelper
    from pytest_asyncdb.facts.names import Names
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place

_ENGINES = frozenset(
    {
        "create_engine",
        "create_async_engine",
        "AsyncEngine",
        "engine_from_config",
        "async_engine_from_config",
        "create_pool",
    }
)
_ASYNC = frozenset({"create_async_engine", "AsyncEngine", "async_engine_from_config", "create_pool"})
_LIBRARIES = ("sqlalchemy.", "sqlmodel.", "asyncpg.")
_URL_KEYWORDS = ("url", "dsn", "connection_string", "db_url")
_CONFIGS = {"SQLAlchemyAsyncConfig": True, "SQLAlchemySyncConfig": False, "SQLAlchemyMiddleware": True}
"""Objects of extensions that make an engine later, and whether it is async."""
_CONFIG_ARGUMENTS = frozenset({"engine_args", "engine_config"})
_POOL_OPTIONS = frozenset(
    """min_size max_size max_queries max_inactive_connection_lifetime setup init reset connect loop connection_class
    record_class""".split()  # noqa: SIM905 - a plain list of words
)
_FACTORIES = {
    "sessionmaker": "sqlalchemy.orm.sessionmaker",
    "async_sessionmaker": "sqlalchemy.ext.asyncio.async_sessionmaker",
}
_SESSIONS = {
    "sqlalchemy.ext.asyncio.AsyncSession": True,
    "sqlmodel.ext.asyncio.session.AsyncSession": True,
    "sqlalchemy.orm.Session": False,
    "sqlmodel.Session": False,
    "sqlmodel.orm.session.Session": False,
}


class Static:
    """Reads engines and factories out of the code.

    Args:
        codebase: the project's modules.
        names: resolves names in them.
        urls: every URL written in the project.
        folders: folders whose ``.env`` the app reads, nearest first.
    """

    def __init__(
        self, codebase: Codebase, names: Names, urls: Iterable[WrittenUrl], folders: tuple[str, ...] = (".",)
    ) -> None:
        """Nothing is read yet."""
        self._codebase = codebase
        self._urls = tuple(urls)
        self._flow = Flow(codebase, names)
        self._tracer = Tracer(codebase, self._flow, self._urls, folders)

    @cached_property
    def engines(self) -> tuple[Engine, ...]:
        """Every call that makes an engine or an asyncpg pool; a sync engine wrapped by AsyncEngine is one with it."""
        return tuple(engine for node, engine in self._made if id(node) not in self._wrapped)

    @cached_property
    def factories(self) -> tuple[SessionFactory, ...]:
        """Every call of ``sessionmaker`` or ``async_sessionmaker``."""
        return tuple(factory for _, factory in self._factories)

    @cached_property
    def helpers(self) -> tuple[UrlHelper, ...]:
        """The project's own code between a setting and the URL of an async engine of the app."""
        found = []
        for source, raw, target in self._calls:
            if source.role == "app" and _last(target) in _ASYNC and target.startswith("sql"):
                inner, scope = self._inner(raw, target)
                given = entry(inner, scope, "url", self._flow) or ((inner.args[0], scope) if inner.args else None)
                found += [(source, raw, *given)] if given is not None else []
        return tuple(Feeds(self._flow, self._tracer.settings).helpers(found))

    @cached_property
    def _calls(self) -> list[tuple[Source, RawCall, str]]:
        found = []
        for source in self._codebase.sources():
            for raw in source.calls:
                target = self._flow.names.callee(raw.node.func, raw.scope)
                if getattr(raw.node.func, "attr", "") == "add_middleware" and raw.node.args:
                    target = self._flow.names.canonical(raw.node.args[0], raw.scope)
                if target is not None and _is_engine(target, raw.node):
                    found.append((source, raw, target))
        return found

    @cached_property
    def _wrapped(self) -> frozenset[int]:
        """The calls whose engine an ``AsyncEngine(...)`` wraps."""
        inner = (
            value
            for _, raw, target in self._calls
            if _last(target) == "AsyncEngine"
            for argument in raw.node.args[:1]
            for value, _ in self._flow.final(argument, raw.scope)
        )
        return frozenset(id(node) for node in inner if isinstance(node, ast.Call))

    @cached_property
    def _made(self) -> list[tuple[ast.Call, Engine]]:
        async_bound = self._bound_to_async()
        return [
            (raw.node, self._engine(source, raw, target, bound_to_async=id(raw.node) in async_bound))
            for source, raw, target in self._calls
        ]

    def _engine(self, source: Source, raw: RawCall, target: str, *, bound_to_async: bool) -> Engine:
        place = source.span(raw.node).place
        inner, scope = self._inner(raw, target)
        given = expanded(keywords(inner, scope, self._flow), _CONFIG_ARGUMENTS, self._flow)
        arguments, arguments_known = self._connect_args(given, target)
        options = [
            (key, value, where) for key, value, where in given.given if key not in (*_URL_KEYWORDS, "connect_args")
        ]
        describer = Describer(self._codebase, self._flow.names, source)
        return Engine(
            function=target,
            is_async=_CONFIGS.get(_last(target), _last(target) in _ASYNC),
            place=place,
            callee=source.span(raw.node.func),
            evidence=Evidence.STATIC,
            url=self._url(inner, scope, given, place, source),
            role=source.role,
            connect_args=tuple((key, self._hide(key, value)) for key, value in arguments),
            connect_args_known=arguments_known,
            options=tuple((key, self._hide(key, shown(value, where, self._flow))) for key, value, where in options),
            call=describer.call(raw.node, raw.scope, raw.level, target, describer.assigned(raw)),
            bound_to_async=bound_to_async,
            pools=self._pools(given),
        )

    def _pools(self, given: Keywords) -> tuple[Pool, ...]:
        found = given.value("poolclass")
        values = self._flow.final(*found) if found is not None else []
        named = [(self._pool_name(*value), self._flow.source(value[1]), value[0]) for value in values]
        return tuple(Pool(name, source.span(node)) for name, source, node in named if name is not None and source)

    def _pool_name(self, value: ast.expr, scope: Scope) -> str | None:
        """The canonical name of a pool class, empty for ``None``: the default one."""
        if isinstance(value, ast.Constant) and value.value is None:
            return ""
        return self._flow.names.canonical(value, scope)

    def _hide(self, name: str, value: str) -> str:
        return repr(MASK) if is_secret_parameter(name) else self._codebase.project.redactor.text(value)

    def _inner(self, raw: RawCall, target: str) -> tuple[ast.Call, Scope]:
        """The call that has the URL and the options: for ``AsyncEngine(create_engine(...))`` the inner one."""
        if _last(target) == "AsyncEngine":
            for argument in raw.node.args[:1]:
                for value, scope in self._flow.final(argument, raw.scope):
                    if isinstance(value, ast.Call):
                        return value, scope
        return raw.node, raw.scope

    def _connect_args(self, given: Keywords, target: str) -> tuple[list[tuple[str, str]], bool]:
        if _last(target) == "create_pool":
            pairs = [(key, shown(value, where, self._flow)) for key, value, where in given.given]
            return [pair for pair in pairs if pair[0] not in _POOL_OPTIONS and pair[0] != "dsn"], given.known
        found = given.value("connect_args")
        if found is None:
            return [], given.known
        inner = dictionary(*found, self._flow)
        return [
            (key, shown(value, where, self._flow)) for key, value, where in inner.given
        ], inner.known and given.known

    def _url(self, node: ast.Call, scope: Scope, given: Keywords, place: Place, source: Source) -> EngineUrl | None:
        named = next((found for key in _URL_KEYWORDS if (found := given.value(key)) is not None), None)
        if named is not None:
            return self._tracer.trace(*named, place)
        if "from_config" in (_last(self._flow.names.callee(node.func, scope) or "")):
            return self._configured(source, place)
        return self._tracer.trace(node.args[0], scope, place) if node.args else None

    def _configured(self, source: Source, place: Place) -> EngineUrl | None:
        """The URL of an Alembic environment: set by its ``env.py``, else as its ini file has it."""
        for raw in source.calls:
            called = getattr(raw.node.func, "attr", "")
            texts = [one.value for one in raw.node.args if isinstance(one, ast.Constant)]
            if called == "set_main_option" and "sqlalchemy.url" in texts and len(raw.node.args) > 1:
                return self._tracer.trace(raw.node.args[1], raw.scope, place)
        for node in ast.walk(source.tree):
            match node:
                case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="sqlalchemy.url"))], value=value):
                    return self._tracer.trace(value, source.scope, place)
        written = next((one for one in self._urls if one.kind == "ini" and one.key == "sqlalchemy.url"), None)
        return of_written(written) if written is not None else None

    def _bound_to_async(self) -> frozenset[int]:
        """Calls whose engine an async session factory or an AsyncSession gets."""
        found = []
        for source in self._codebase.sources():
            for raw in source.calls:
                target = self._flow.names.callee(raw.node.func, raw.scope)
                last = _last(target or "")
                if last == "async_sessionmaker" or (
                    last in ("sessionmaker", "AsyncSession") and self._is_async(raw, last)
                ):
                    bind = self._bind(raw)
                    found += self._flow.final(*bind) if bind is not None else []
        return frozenset(id(node) for node, _ in found if isinstance(node, ast.Call))

    def _is_async(self, raw: RawCall, last: str) -> bool:
        return last == "AsyncSession" or self._session(keywords(raw.node, raw.scope, self._flow))[1] is True

    def _bind(self, raw: RawCall) -> tuple[ast.expr, Scope] | None:
        given = keywords(raw.node, raw.scope, self._flow).value("bind")
        return given or ((raw.node.args[0], raw.scope) if raw.node.args else None)

    @cached_property
    def _factories(self) -> list[tuple[ast.Call, SessionFactory]]:
        found = []
        for source in self._codebase.sources():
            for raw in source.calls:
                target = self._flow.names.callee(raw.node.func, raw.scope) or ""
                if _last(target) in _FACTORIES and target.startswith(_LIBRARIES):
                    found.append((raw.node, self._factory(source, raw, target)))
        return found

    def _factory(self, source: Source, raw: RawCall, target: str) -> SessionFactory:
        given = keywords(raw.node, raw.scope, self._flow)
        session, is_async = self._session(given)
        if session is None and given.known:
            is_async = _last(target) == "async_sessionmaker"
        describer = Describer(self._codebase, self._flow.names, source)
        options = [one for one in given.given if one[0] not in ("bind", "class_")]
        return SessionFactory(
            factory=_FACTORIES[_last(target)],
            session_class=session,
            session_is_async=is_async,
            bind_is_async=self._bind_is_async(raw),
            options=tuple((key, shown(value, where, self._flow)) for key, value, where in options),
            options_known=given.known,
            place=source.span(raw.node).place,
            evidence=Evidence.STATIC,
            role=source.role,
            call=describer.call(raw.node, raw.scope, raw.level, target, describer.assigned(raw)),
        )

    def _session(self, given: Keywords) -> tuple[str | None, bool | None]:
        """Canonical name of ``class_`` and whether it is an async session, as far as the source tells."""
        found = given.value("class_")
        if found is None:
            return None, None
        canonical = self._flow.names.canonical(*found)
        if canonical in _SESSIONS:
            return canonical, _SESSIONS[canonical]
        owner = self._flow.class_of(*found)
        kinds = [_SESSIONS[one] for one in (self._flow.origins(owner) if owner else ()) if one in _SESSIONS]
        return canonical, kinds[0] if kinds else None

    def _bind_is_async(self, raw: RawCall) -> bool | None:
        bind = self._bind(raw)
        made = {id(node): engine for node, engine in self._made}
        values = self._flow.final(*bind) if bind is not None else []
        kinds = {made[id(node)].is_async for node, _ in values if id(node) in made}
        return kinds.pop() if len(kinds) == 1 and len(values) == 1 else None


def _is_engine(target: str, node: ast.Call) -> bool:
    last = _last(target)
    if last in _CONFIGS:
        return any(one.arg in ("connection_string", "db_url") for one in node.keywords)
    return last in _ENGINES and target.startswith(_LIBRARIES)


def _last(target: str) -> str:
    return target.rpartition(".")[2]
