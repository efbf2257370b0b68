"""One engine cuts off parameters that asyncpg refuses, another one uses the same URL whole.

## What it does
Compares the engines on asyncpg that get the same written URL, migration environments and scripts among them. Where one
of them takes parameters that asyncpg does not know off the URL (`url.split("?")[0]`, `.replace("?sslmode=require",
"")`) and another does not, the other is reported, at its URL.

## Root cause
Somebody met `TypeError: connect() got an unexpected keyword argument 'sslmode'` on one path, most often when running
the migrations, and repaired it there. The migrations run, the app starts, and its first query fails.

## Fix
Do on both paths what works on one; best once, where the setting is read.

## Fix safety
Unsafe: cutting the query off drops parameters that may mean something, such as the demand for TLS.

## Seen on
asyncpg 0.30 to 0.32 with SQLAlchemy 2.0.44, 2.0.58 and 2.1.9.

## Sources
- https://github.com/MagicStack/asyncpg/issues/737
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import driver_of
from pytest_asyncdb.urls.parameters import accepted_by_asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.facts.python import Argument
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.2")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each engine that uses the URL whole, once."""
    pairs = [(one, one.url) for one in facts.engines if one.url and one.url.written and _is_judged(facts, one)]
    told: set[Place] = set()
    for engine, url in pairs:
        written = {one.name for one in url.written.parameters} if url.written else set()
        refused = {name for name, value in url.parameters if value and not accepted_by_asyncpg(name)} & written
        for other, cut in pairs:
            gone = sorted(refused - {name for name, _ in cut.parameters})
            if cut.written == url.written and gone and engine.place not in told:
                told.add(engine.place)
                yield _finding(engine, other, url, cut, gone)


def _is_judged(facts: Facts, engine: Engine) -> bool:
    """Whether the engine connects through asyncpg as SQLAlchemy does it; what tests do is theirs."""
    outside = engine.role == "test" or drivers.is_raw(engine.function)
    return not outside and engine.url is not None and driver_of(facts, engine.url) == "asyncpg"


def _finding(engine: Engine, other: Engine, url: EngineUrl, cut: EngineUrl, gone: list[str]) -> Finding:
    argument = _argument(engine)
    names = " and ".join(f"`{name}`" for name in gone)
    return CHECK.finding(
        argument.span.place if argument else engine.place,
        f"this engine uses the URL with {names}, which the engine at {other.place.path}:{other.place.line} cuts off",
        root_cause="asyncpg.connect() takes no such parameter: the path that cuts it off works, this one raises "
        "TypeError at its first connection.",
        fixes=_fixes(argument) if not cut.parameters else (),
        severity=Severity.BLOCKS if engine.role == "app" else Severity.LATENT,
        confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
        evidence=engine.evidence,
    )


def _argument(engine: Engine) -> Argument | None:
    """The URL among the arguments of the call."""
    if engine.call is None:
        return None
    return engine.call.argument("url") or engine.call.positional(0)


def _fixes(argument: Argument | None) -> tuple[Fix, ...]:
    if argument is None or argument.keyword or argument.value.canonical is None:
        return ()
    text = f'{argument.value.source}.split("?")[0]'
    why = "As on the other path; decide whether every parameter may go, the demand for TLS among them."
    return (Fix(f"Write `{text}`", (Replace(argument.span, text),), safe=False, why=why),)
