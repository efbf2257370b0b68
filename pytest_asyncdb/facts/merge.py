"""One engine, one fact: what the sources say and what the boot saw, joined by the place of the call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pytest_asyncdb.facts.engines import Engine, EngineUrl
from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.sessions import SessionFactory
from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.sandbox.record import EngineRecord, FactoryRecord, UrlRecord
    from pytest_asyncdb.sources.project import Project

    Record = TypeVar("Record", EngineRecord, FactoryRecord)


def merged_engines(
    project: Project,
    static: Sequence[Engine],
    records: Sequence[EngineRecord],
    urls: Sequence[WrittenUrl],
    app_path: str,
) -> tuple[Engine, ...]:
    """Join engines.

    Args:
        project: for the extent of calls.
        static: what the sources define.
        records: what the boot saw made.
        urls: every URL written in the project.
        app_path: place of engines that were made outside the project, on its behalf.
    """
    wrapped = {record.wraps for record in records if record.wraps is not None}
    seen = [record for record in _distinct(records) if record.number not in wrapped]
    found: list[Engine] = []
    for engine in static:
        same = [record for record in seen if _is_at(project, record.place, engine.place, engine)]
        found += [_joined(engine, record, urls) for record in same] or [engine]
        seen = [record for record in seen if record not in same]
    found, seen = _with_made_later(found, seen, urls)
    return (*found, *(_only_seen(record, urls, app_path) for record in seen))


def _with_made_later(
    found: list[Engine], seen: list[EngineRecord], urls: Sequence[WrittenUrl]
) -> tuple[list[Engine], list[EngineRecord]]:
    """Join the one engine that an extension made by itself with the one object that configures such an extension."""
    later = [engine for engine in found if engine.seen is None and not engine.makes_at_once and engine.role == "app"]
    made = [record for record in seen if record.place is None]
    if len(later) != 1 or len(made) != 1:
        return found, seen
    joined = _joined(later[0], made[0], urls)
    return [joined if engine is later[0] else engine for engine in found], [one for one in seen if one is not made[0]]


def merged_factories(
    project: Project, static: Sequence[SessionFactory], records: Sequence[FactoryRecord], app_path: str
) -> tuple[SessionFactory, ...]:
    """Join session factories; the arguments are those of ``merged_engines``."""
    seen = list(records)
    found: list[SessionFactory] = []
    for factory in static:
        same = [record for record in seen if _is_at(project, record.place, factory.place, factory)]
        found.append(_joined_factory(factory, same[0]) if same else factory)
        seen = [record for record in seen if record not in same]
    return (*found, *(_only_seen_factory(record, app_path) for record in seen))


def _distinct(records: Iterable[EngineRecord]) -> list[EngineRecord]:
    """Leave out repetitions: the same call that made the same engine again."""
    found: dict[tuple[object, ...], EngineRecord] = {}
    for record in records:
        error = record.error.type if record.error else None
        key = (
            record.place,
            record.function,
            record.url,
            record.arguments,
            record.connect_args,
            record.pool_class,
            error,
        )
        found.setdefault(key if record.place else (record.number,), record)
    return list(found.values())


def _is_at(project: Project, seen: Place | None, written: Place, fact: Engine | SessionFactory) -> bool:
    if seen is None or seen.path != written.path:
        return False
    last = project.lines(written.path).line_at(fact.call.span.end) if fact.call else written.line
    return written.line <= seen.line <= last and (
        not seen.column or seen.line > written.line or seen.column >= written.column
    )


def _joined(engine: Engine, record: EngineRecord, urls: Sequence[WrittenUrl]) -> Engine:
    options = dict(record.arguments)
    options.update((name, value) for name, value in engine.options if name in options or not record.arguments)
    return replace(
        engine,
        is_async=engine.is_async or record.is_async,
        evidence=Evidence.BOTH,
        url=_url(record.url, engine.url, urls, engine.place) if record.url else engine.url,
        connect_args=record.connect_args if record.error is None or record.connect_args else engine.connect_args,
        connect_args_known=engine.connect_args_known or record.error is None,
        options=tuple(options.items()),
        seen=record,
    )


def _only_seen(record: EngineRecord, urls: Sequence[WrittenUrl], app_path: str) -> Engine:
    place = record.place or Place(app_path)
    return Engine(
        function=record.function,
        is_async=record.is_async,
        place=place,
        callee=None,
        evidence=Evidence.RUNTIME,
        url=_url(record.url, None, urls, place) if record.url else None,
        role=role_of(place.path),
        connect_args=record.connect_args,
        options=record.arguments,
        seen=record,
    )


def _url(record: UrlRecord, static: EngineUrl | None, urls: Sequence[WrittenUrl], place: Place) -> EngineUrl:
    """The URL that the engine really got, with the place where the project wrote it if that can be told."""
    written = static.written if static and static.written and _fits(static.written, record) else None
    if written is None:
        same = [url for url in urls if url.role == "app" and url.host and _is_same(url, record)]
        written = next((url for url in same if url.scheme == record.drivername), next(iter(same), None))
    return EngineUrl(
        scheme=record.drivername,
        host=record.host,
        port=None if record.port is None else str(record.port),
        database=record.database,
        username=record.username,
        parameters=record.query,
        place=written.span.place if written else static.place if static and not static.written else place,
        certain=True,
        written=written,
        added=tuple(one for one in static.added if one.name in dict(record.query)) if static else (),
    )


def _fits(written: WrittenUrl, record: UrlRecord) -> bool:
    """Whether the engine's URL can be the written one, rewritten by the project or not."""
    parts = ((written.host, record.host), (written.database, record.database), (written.username, record.username))
    return all(there is None or here is None or here == there or _is_template(here) for here, there in parts)


def _is_same(written: WrittenUrl, record: UrlRecord) -> bool:
    there = (record.host, record.database, record.username)
    return (written.host, written.database, written.username) == there


def _is_template(text: str) -> bool:
    return any(mark in text for mark in ("{", "$", "%", "<"))


def _joined_factory(factory: SessionFactory, record: FactoryRecord) -> SessionFactory:
    options = {
        **dict(record.options),
        **{name: value for name, value in factory.options if name in dict(record.options)},
    }
    return replace(
        factory,
        session_class=factory.session_class or record.session_class,
        session_is_async=record.session_is_async,
        bind_is_async=record.bind_is_async if record.bind_is_async is not None else factory.bind_is_async,
        options=tuple(options.items()) if not factory.options_known else factory.options,
        options_known=True,
        evidence=Evidence.BOTH,
        seen=record,
    )


def _only_seen_factory(record: FactoryRecord, app_path: str) -> SessionFactory:
    place = record.place or Place(app_path)
    return SessionFactory(
        factory=record.factory,
        session_class=record.session_class,
        session_is_async=record.session_is_async,
        bind_is_async=record.bind_is_async,
        options=record.options,
        options_known=True,
        place=place,
        evidence=Evidence.RUNTIME,
        role=role_of(place.path),
        seen=record,
    )
