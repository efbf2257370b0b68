"""The URL for asyncpg carries an `ssl` value that asyncpg does not know.

## What it does
Looks at `?ssl=` in the URL of each async engine of the app that runs, or will run once repaired, on asyncpg. Reports
every value that is not one of `disable`, `allow`, `prefer`, `require`, `verify-ca` and `verify-full`, such as `true`,
`on` or `1`. `connect_args={"ssl": True}` is another thing: it is legal and means a verifying context.

## Root cause
What stands in a URL is text, and asyncpg takes a text for the name of a mode: `sslmode parameter must be one of:
disable, allow, prefer, require, verify-ca, verify-full`. It shows at the first connection, not at startup.

## Fix
`ssl=require` for encryption without checking who answers, `ssl=verify-full` with a root certificate for both.

## Fix safety
Unsafe for `true` and the like, because they do not say whether the server's certificate is to be checked. Safe where
only the spelling of a mode is wrong, and for `false`, which can only mean `disable`.

## Seen on
asyncpg 0.31 with SQLAlchemy 2.0.58 and asyncpg 0.32 with SQLAlchemy 2.1.9.

## Sources
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.urls.declared import asyncpg_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ON = {"true", "t", "1", "on", "yes", "y"}
_OFF = {"false", "f", "0", "off", "no", "n"}


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each written value once."""
    told: set[Place] = set()
    for engine, url in asyncpg_urls(facts):
        for name, value in url.parameters:
            finding = _finding(engine, url, value) if name == "ssl" and value and not _is_mode(value) else None
            if finding and finding.place not in told:
                told.add(finding.place)
                yield finding


def _is_mode(value: str) -> bool:
    return value.replace("_", "-") in _MODES


def _finding(engine: Engine, url: EngineUrl, value: str) -> Finding:
    written = url.written_parameter("ssl")
    fits = written is not None and written.value == value
    return CHECK.finding(
        written.span.place if written and fits else url.parameter_place("ssl"),
        f"`ssl={value}` names no mode that asyncpg knows",
        root_cause=f"asyncpg takes the text for the name of a mode, and knows only {', '.join(_MODES)}.",
        fixes=(_fix(value, Replace(written.span, f"ssl={_mode(value)}")),) if written and fits and _mode(value) else (),
        confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
        evidence=engine.evidence,
    )


def _mode(value: str) -> str | None:
    plain = value.strip().lower()
    if plain.replace("_", "-") in _MODES:
        return plain.replace("_", "-")
    return "require" if plain in _ON else "disable" if plain in _OFF else None


def _fix(value: str, change: Replace) -> Fix:
    guess = value.strip().lower() in _ON
    why = "Encrypts; decide whether the certificate is to be checked too (`verify-full`)." if guess else "Same meaning."
    return Fix(f"Write `{change.text}`", (change,), safe=not guess, why=why)
