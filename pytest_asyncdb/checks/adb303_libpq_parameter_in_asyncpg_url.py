"""The URL for asyncpg carries a parameter that asyncpg does not take.

## What it does
Looks at the query of the URL that each async engine of the app gets (the real one when a boot saw it) and that runs, or
will run once its scheme is repaired, on asyncpg. Reports each parameter of libpq, another driver or another language's
client that asyncpg refuses, with its own translation. psycopg takes libpq's parameters, and so does asyncpg itself in a
URL of its own: both are silent. Empty parameters are dropped on the way and harmless.

## Root cause
SQLAlchemy hands each query parameter to `asyncpg.connect()` as a keyword argument. One it doesn't take is `TypeError:
connect() got an unexpected keyword argument 'sslmode'` at the first connection, not at startup, and one at a time.

## Fix
`sslmode=X` becomes `ssl=X`. What asyncpg has no use for goes away with its separator. What belongs in `connect_args`,
in the engine's options or in an `SSLContext` is named exactly and left to you.

## Fix safety
Safe where the meaning stays. `channel_binding=require` is a protection that asyncpg cannot give: use `ssl=verify-full`,
or psycopg, where it matters. Unsafe where something else reads the same URL.

## Seen on
asyncpg 0.31 with SQLAlchemy 2.0.58, asyncpg 0.32 with SQLAlchemy 2.1.9.

## Sources
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
- https://github.com/MagicStack/asyncpg/issues/737
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import asyncpg_urls
from pytest_asyncdb.urls.parameters import NUMERIC_IN_CONNECT_ARGS, accepted_by_asyncpg, translate_for_asyncpg
from pytest_asyncdb.urls.query_edits import removal, where_it_goes
from pytest_asyncdb.urls.translation import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.urls.translation import Translation

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_EDITED = {Action.REPLACE, Action.DROP}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each parameter of each URL once."""
    told: set[tuple[Place, str]] = set()
    for engine, url in asyncpg_urls(facts):
        faults = _translations(facts, url)
        for finding in (_finding(facts, engine, url, one, faults) for one in faults):
            if (finding.place, finding.message) not in told:
                told.add((finding.place, finding.message))
                yield finding


def _translations(facts: Facts, url: EngineUrl) -> list[Translation]:
    version = drivers.release(facts.installed.version("asyncpg"))
    known = {"ssl", "async_fallback", *NUMERIC_IN_CONNECT_ARGS}  # other checks tell these
    refused = [(n, v) for n, v in url.parameters if v and n not in known and not accepted_by_asyncpg(n, version)]
    return [translate_for_asyncpg(name, value, version=version) for name, value in refused]


def _finding(facts: Facts, engine: Engine, url: EngineUrl, one: Translation, faults: list[Translation]) -> Finding:
    return CHECK.finding(
        url.parameter_place(one.name),
        f"`{one.name}` is a parameter that asyncpg does not take",
        root_cause=f"{one.reason}{where_it_goes(one)}",
        fixes=_fixes(facts, url, one, faults),
        confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
        evidence=engine.evidence,
    )


def _fixes(facts: Facts, url: EngineUrl, one: Translation, faults: list[Translation]) -> tuple[Fix, ...]:
    written = url.written_parameter(one.name)
    if url.written is None or written is None or one.action not in _EDITED:
        return ()
    user = next((e for e in facts.engines if _cannot_share(e, url)), None)
    why = f"`{user.place}` reads the same URL and needs the parameter." if user else f"{one.reason}."
    safe = user is None and _keeps_meaning(one)
    renamed = None if "ssl" in dict(url.parameters) else next((f for f in faults if f.text), None)
    if one is renamed:
        return (Fix(f"Write `{one.text}`", (Replace(written.span, one.text),), safe=safe, why=why),)
    gone = {f.name for f in faults if f is one or (f is not renamed and f.action in _EDITED and _keeps_meaning(f))}
    spans = {p.span for p in url.written.parameters if p.name in gone}
    change = removal(written, url.written.parameters, url.written.query_span, spans)
    return (Fix(f"Remove `{one.name}`", (change,), safe=safe, why=why),)


def _keeps_meaning(one: Translation) -> bool:
    return one.same or one.name == "channel_binding"  # asyncpg never had that, so no connection loses it


def _cannot_share(engine: Engine, url: EngineUrl) -> bool:
    """Whether this engine reads the same written URL and knows libpq's parameters only."""
    same = engine.url is not None and engine.url.written is not None and engine.url.written == url.written
    return same and (drivers.is_raw(engine.function) or not engine.serves_async)
