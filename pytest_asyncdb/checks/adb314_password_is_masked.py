"""An engine, or Alembic, gets the text of a URL, which has `***` in its password's place.

## What it does
Follows the URL of each engine, and of `set_main_option("sqlalchemy.url", ...)`, back to `str(url)`, `repr(url)`,
`f"{url}"` or `url.render_as_string()` of a SQLAlchemy URL: that of another engine, or one that `URL.create` or
`make_url` has made. Certain where the URL is known to have a password; not reported where it is known to have none, or
to be of another database, or where the engine has a `creator`, or a password in `connect_args`. In tests only the
certain ones are reported, as advice.

## Root cause
Since SQLAlchemy 2.0 a URL hides its password when it becomes a text, for the sake of logs; on 1.4 only `repr` and
`render_as_string()` do, and only they are reported. The text is a valid URL, so that nothing fails before the first
connection: `password authentication failed`. A server that asks for no password, as many a local one, lets it through.

## Fix
Hand over the URL itself, or `url.render_as_string(hide_password=False)`.

## Fix safety
Safe: it is the URL that was meant. For Alembic's configuration each `%` is doubled as well (see ADB602). There is none
for `f"{url}"`.

## Seen on
SQLAlchemy 2.0.58 and 2.1.9 with asyncpg 0.31 and 0.32; the texts also on 1.4.54 and 2.0.0.

## Sources
- https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.engine.URL.render_as_string
- https://docs.sqlalchemy.org/en/20/changelog/changelog_20.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import Fix, Replace
from pytest_asyncdb.model.place import Span
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import declares_driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.masked import MaskedText
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_SHOWN = ".render_as_string(hide_password=False)"
_HIDES = (2, 0)
"""The first version of SQLAlchemy whose `str(url)` hides the password."""
_MOST_CHARACTERS = 60


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each text once, whoever gets it."""
    told: set[Span] = set()
    hides_all = (facts.sqlalchemy() or _HIDES) >= _HIDES
    for text in facts.masked_texts:
        if not (hides_all or text.is_rendered or text.source.startswith("repr")):
            continue
        is_certain = text.has_password is True and drivers.is_postgres(text.scheme)
        if text.span in told or not (is_certain or _may_have_one(facts, text)):
            continue
        told.add(text.span)
        shown = f"`{text.source}`" if 0 < len(text.source) <= _MOST_CHARACTERS else "the text of a URL"
        yield CHECK.finding(
            text.span.place,
            f"`{text.taker}` gets {shown}, which has `***` in its password's place",
            root_cause="A URL of SQLAlchemy hides its password when it becomes a text. What connects with that text "
            "is refused by every server that asks for a password.",
            fixes=(_fix(text),) if text.is_editable else (),
            severity=Severity.ADVICE if text.role == "test" else Severity.LATENT,
            confidence=Confidence.CERTAIN if is_certain else Confidence.LIKELY,
        )


def _may_have_one(facts: Facts, text: MaskedText) -> bool:
    """Whether a URL of which little is known may be one of Postgres with a password."""
    if text.role == "test" or text.has_password is False:
        return False
    if text.scheme:
        return drivers.is_postgres(text.scheme)
    return declares_driver(facts)


def _fix(text: MaskedText) -> Fix:
    doubled = '.replace("%", "%%")' if text.doubles else ""
    whole, inner = text.span, text.inner
    before = Span(whole.path, whole.line, whole.column, whole.start, inner.start)
    after = Span(whole.path, inner.line, inner.column, inner.end, whole.end)
    return Fix(
        "Show the password: `render_as_string(hide_password=False)`",
        (*(() if text.is_rendered else (Replace(before, ""),)), Replace(after, f"{_SHOWN}{doubled}")),
        safe=True,
        why="It is the URL that was meant, as a text with its password.",
    )
