"""The URL for asyncpg carries an option that has to be a number.

## What it does
Reports `timeout`, `statement_cache_size`, `max_cached_statement_lifetime` and `max_cacheable_statement_size` in the
query of a URL that an async engine of the app uses, or will use once repaired, with asyncpg. `command_timeout` and
`prepared_statement_cache_size` are fine there: asyncpg and SQLAlchemy turn these two into numbers.

## Root cause
What stands in a URL is text. asyncpg compares these options with numbers: `TypeError: '<' not supported between
instances of 'str' and 'int'`, at the first connection.

## Fix
Take the option out of the URL and pass it in `connect_args`, as a number: `connect_args={"statement_cache_size": 0}`.
In `timeout`, 0 means "already over"; no limit is `None`.

## Fix safety
No fix is made automatically: the URL usually differs between machines, and the code does not.

## Seen on
asyncpg 0.31 with SQLAlchemy 2.0.58, asyncpg 0.32 with SQLAlchemy 2.1.9.

## Sources
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.urls.declared import asyncpg_urls
from pytest_asyncdb.urls.parameters import NUMERIC_IN_CONNECT_ARGS, translate_for_asyncpg
from pytest_asyncdb.urls.query_edits import where_it_goes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each option of each URL once."""
    told: set[tuple[Place, str]] = set()
    for engine, url in asyncpg_urls(facts):
        for name, value in url.parameters:
            place = url.parameter_place(name)
            if not value or name not in NUMERIC_IN_CONNECT_ARGS or (place, name) in told:
                continue
            told.add((place, name))
            one = translate_for_asyncpg(name, value)
            yield CHECK.finding(
                place,
                f"`{name}` comes as text from the URL, and asyncpg needs a number",
                root_cause=f"{one.reason}{where_it_goes(one)}",
                confidence=Confidence.CERTAIN if url.certain else Confidence.LIKELY,
                evidence=engine.evidence,
            )
