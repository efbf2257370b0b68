"""Sees every engine, pool and session factory that is made, with the arguments it was made with."""

from __future__ import annotations

import gc
import sys
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.errors import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.recorder import Recorder

_INSIDE: ContextVar[bool] = ContextVar("asyncdb_inside", default=False)
"""Whether a watched function runs already, which tells of the engine itself."""
_CREATE = "sqlalchemy.create_engine"
_CREATE_ASYNC = "sqlalchemy.ext.asyncio.create_async_engine"
_WRAP = "sqlalchemy.ext.asyncio.AsyncEngine"


class Seen:
    """One engine, pool or factory that was made; the object itself may be gone."""

    def __init__(self, number: int, kind: str, made: Any, phase: str) -> None:
        """Refer to the object without keeping it alive, where its class allows that."""
        self.number = number
        self.kind = kind
        self.phase = phase
        self._made: Callable[[], Any]
        try:
            self._made = weakref.ref(made)
        except TypeError:
            self._made = lambda: made
        self.open: set[int] = set()
        """Ids of the connections that the engine's pool holds."""

    @property
    def made(self) -> Any:
        """The object, or None when nothing holds it any more."""
        return self._made()


class Watch:
    """Patches for SQLAlchemy."""

    def __init__(self, recorder: Recorder) -> None:
        """Start with nothing seen."""
        self.recorder = recorder
        self.engines: list[Seen] = []
        self.factories: list[Seen] = []
        self._cores: weakref.WeakSet[Any] = weakref.WeakSet()
        """The engine below each of them, which may outlive it."""

    def patches(self) -> Mapping[str, Callable[[Any], None]]:
        """Name each module with what changes it."""
        return {
            "sqlalchemy.engine.create": self._create,
            "sqlalchemy.engine.base": self._base,
            "sqlalchemy.ext.asyncio.engine": self._async_engine,
            "sqlalchemy.orm.session": lambda module: self._factory(module.sessionmaker, is_async=False),
            "sqlalchemy.ext.asyncio.session": self._async_session,
        }

    def sweep(self) -> None:
        """Take in engines that exist although nothing saw them being made; their place is not known."""
        kinds = [
            getattr(sys.modules.get(module), name, None)
            for module, name in (("sqlalchemy.ext.asyncio.engine", "AsyncEngine"), ("sqlalchemy.engine.base", "Engine"))
        ]
        classes = {kind for one in kinds if one is not None for kind in _with_subclasses(one)}
        if not classes:
            return
        with self.recorder.safely():
            # An engine with execution options is the same one: it shares the pool. So is what is left of one that was
            # dropped: nothing collects it here.
            known = {id(core.pool) for core in self._cores}
            # An object refers to its class: this asks for those, where going through all objects takes twice as long.
            found = [one for one in gc.get_referrers(*classes) if type(one) in classes]
            for engine in sorted(found, key=lambda one: not hasattr(one, "sync_engine")):
                lone = not hasattr(engine, "sync_engine") and engine.dialect.is_async
                if id(_pool(engine)) not in known and not lone:
                    known.add(id(_pool(engine)))
                    self._tell_made("sqlalchemy.engine.Engine", engine, None, {}, None)

    def _create(self, module: Any) -> None:
        module.create_engine = self._watched(_CREATE, module.create_engine)

    def _async_engine(self, module: Any) -> None:
        module.create_async_engine = self._watched(_CREATE_ASYNC, module.create_async_engine)
        wrap = module.AsyncEngine.__init__

        def __init__(this: Any, sync_engine: Any) -> None:  # noqa: N807 - replaces that method
            if _INSIDE.get():
                wrap(this, sync_engine)
                return
            wraps = next((one.number for one in self.engines if one.made is sync_engine), None)
            try:
                wrap(this, sync_engine)
            except Exception as error:
                self._failed(_WRAP, sync_engine, {}, error)
                raise
            self._made(_WRAP, this, None, {}, wraps=wraps)

        module.AsyncEngine.__init__ = __init__

    def _async_session(self, module: Any) -> None:
        if hasattr(module, "async_sessionmaker"):  # SQLAlchemy 1.4 has none, and projects still pin it
            self._factory(module.async_sessionmaker, is_async=True)

    def _base(self, module: Any) -> None:
        """Engines that are built by hand, without any of the functions for it."""
        build = module.Engine.__init__

        def after(this: Any) -> None:
            if not _INSIDE.get():
                self._made("sqlalchemy.engine.Engine", this, this.url, {})

        module.Engine.__init__ = _followed(build, after)

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def create(url: Any, **kwargs: Any) -> Any:
            if _INSIDE.get():
                return original(url, **kwargs)
            given = dict(kwargs)
            token = _INSIDE.set(True)
            try:
                engine = original(url, **kwargs)
            except BaseException as error:
                self._failed(name, url, given, error)
                raise
            finally:
                _INSIDE.reset(token)
            self._made(name, engine, url, given)
            return engine

        create.__name__ = create.__qualname__ = original.__name__
        create.__module__, create.__doc__ = original.__module__, original.__doc__
        create.__wrapped__ = original  # type: ignore[attr-defined]  # for inspect.signature
        return create

    def _made(self, name: str, engine: Any, url: Any, given: dict[str, Any], wraps: int | None = None) -> None:
        with self.recorder.safely():
            self._tell_made(name, engine, url, given, wraps)

    def _tell_made(self, name: str, engine: Any, url: Any, given: dict[str, Any], wraps: int | None) -> None:
        core = getattr(engine, "sync_engine", engine)
        seen = Seen(self.recorder.number(), "engine", engine, self.recorder.phase)
        self.engines.append(seen)
        self._cores.add(core)
        if wraps is None:
            self._count(core.pool, seen)
        self._tell(
            seen.number,
            name,
            given,
            url=self.url(core.url),
            url_type="" if url is None else type(url).__name__,
            driver=core.dialect.driver,
            pool_class=type(core.pool).__name__,
            is_async=engine is not core,
            wraps=wraps,
        )

    def _failed(self, name: str, url: Any, given: dict[str, Any], error: BaseException) -> None:
        with self.recorder.safely():
            self.recorder.secrets_in("url", str(url) if url is not None else None)
            self._tell(
                self.recorder.number(),
                name,
                given,
                url=self._url_of(url),
                url_type=type(url).__name__,
                error=self.recorder.error(error),
                is_async=name != _CREATE,
            )

    def _tell(self, number: int, name: str, given: dict[str, Any], **fields: Json) -> None:
        connect_args = given.get("connect_args")
        self.recorder.emit(
            "engine",
            number=number,
            function=name,
            place=self.recorder.place(),
            phase=self.recorder.phase,
            arguments=self.recorder.pairs(given, without=("connect_args", "_is_async")),
            connect_args=self.recorder.pairs(connect_args if isinstance(connect_args, dict) else {}),
            **fields,
        )

    def _url_of(self, url: Any) -> Json:
        """Read the URL of an engine that could not be made."""
        try:
            return self.url(sys.modules["sqlalchemy.engine.url"].make_url(getattr(url, "url", url)))
        except Exception:  # noqa: BLE001 - whatever was passed, it is no URL
            return None

    def url(self, url: Any) -> Json:
        """Tell a SQLAlchemy URL without its password."""
        self.recorder.secret(url.password)
        query = [
            (name, one) for name, value in url.query.items() for one in ([value] if isinstance(value, str) else value)
        ]
        for name, value in query:
            self.recorder.secrets_in(name, value)
        return {
            "drivername": url.drivername,
            "username": url.username,
            "has_password": url.password is not None,
            "host": url.host,
            "port": url.port,
            "database": url.database,
            "query": [[name, value] for name, value in query if "password" not in name],
        }

    def _count(self, pool: Any, seen: Seen) -> None:
        """Know at any time which connections the pool holds, whatever kind of pool it is."""
        listen = sys.modules["sqlalchemy.event"].listen
        listen(pool, "connect", lambda connection, _record: seen.open.add(id(connection)))
        listen(pool, "close", lambda connection, _record: seen.open.discard(id(connection)))
        listen(pool, "close_detached", lambda connection: seen.open.discard(id(connection)))

    def _factory(self, cls: Any, *, is_async: bool) -> None:
        build = cls.__init__
        name = "sqlalchemy.ext.asyncio.async_sessionmaker" if is_async else "sqlalchemy.orm.sessionmaker"

        def __init__(this: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces that method
            build(this, *args, **kwargs)
            with self.recorder.safely():
                self._tell_factory(name, this, kwargs, is_async=is_async)

        cls.__init__ = __init__

    def _tell_factory(self, name: str, factory: Any, given: dict[str, Any], *, is_async: bool) -> None:
        seen = Seen(self.recorder.number(), "factory", factory, self.recorder.phase)
        self.factories.append(seen)
        # The sync factory derives a class of its own from the one that was given.
        made = given.get("class_") or (factory.class_ if is_async else factory.class_.__mro__[1])
        self.recorder.emit(
            "factory",
            number=seen.number,
            factory=name,
            session_class=type_name(made),
            session_is_async=is_async_session(made),
            options=self.recorder.pairs(given, without=("bind",)),
            expire_on_commit=bool(factory.kw.get("expire_on_commit", True)),
            bind_is_async=bind_is_async(factory),
            place=self.recorder.place(),
            phase=self.recorder.phase,
        )


def _pool(engine: Any) -> Any:
    return getattr(engine, "sync_engine", engine).pool


def _with_subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    yield cls
    for derived in cls.__subclasses__():
        yield from _with_subclasses(derived)


def _followed(build: Callable[..., None], after: Callable[[Any], None]) -> Callable[..., None]:
    """An ``__init__`` with the very parameters of ``build``: SQLAlchemy reads them off the code object."""
    code = build.__code__
    names = ", ".join(code.co_varnames[: code.co_argcount])
    scope: dict[str, Any] = {"build": build, "after": after}
    exec(f"def __init__({names}):\n    build({names})\n    after({code.co_varnames[0]})\n", scope)  # noqa: S102 - as above
    scope["__init__"].__defaults__ = build.__defaults__
    made: Callable[..., None] = scope["__init__"]
    return made


def is_async_session(cls: type) -> bool:
    """Tell whether a session class is SQLAlchemy's AsyncSession or derived from it."""
    return any(
        base.__name__ == "AsyncSession" and base.__module__.startswith("sqlalchemy.ext.asyncio") for base in cls.__mro__
    )


def bind_is_async(factory: Any) -> bool | None:
    """Tell whether a factory's sessions are bound to an async engine; None when they are bound to nothing."""
    bind = factory.kw.get("bind")
    return None if bind is None else hasattr(bind, "sync_engine") or hasattr(bind, "sync_connection")
