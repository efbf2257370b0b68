"""ADB314: which texts of URLs are reported, how surely, and with which fix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import facts, find

from pytest_asyncdb.facts.masked import MaskedText
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.place import Span

TEXT = MaskedText(
    taker="create_async_engine",
    source="str(engine.url)",
    span=Span("db.py", 3, 1, 100, 115),
    inner=Span("db.py", 3, 5, 104, 114),
    is_rendered=False,
    is_editable=True,
    doubles=False,
    role="app",
    scheme="postgresql+asyncpg",
    has_password=True,
)
UNKNOWN = replace(TEXT, scheme="", has_password=None)
RENDERED = replace(TEXT, is_rendered=True, source="url.render_as_string()")


def judge(*texts, **more):
    return find("ADB314", facts(masked_texts=texts, **more))


def test_a_url_that_has_a_password_is_certain_and_told_once():
    (finding,) = judge(TEXT, replace(TEXT, taker="set_main_option"))
    assert (finding.severity, finding.confidence) == (Severity.LATENT, Confidence.CERTAIN)
    assert finding.message == "`create_async_engine` gets `str(engine.url)`, which has `***` in its password's place"
    assert finding.place == TEXT.span.place


def test_a_url_that_may_have_one_is_likely():
    for text in (UNKNOWN, replace(TEXT, has_password=None)):
        (finding,) = judge(text)
        assert finding.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    "text",
    [
        replace(TEXT, has_password=False),
        replace(TEXT, scheme="sqlite+aiosqlite", has_password=None),
        replace(TEXT, scheme="mysql+aiomysql"),
        replace(UNKNOWN, role="test"),
    ],
)
def test_a_url_without_one_or_of_another_database_is_not_reported(text):
    assert judge(text) == ()


def test_an_unknown_url_counts_where_a_driver_of_postgres_is_declared():
    assert judge(UNKNOWN, requirements=("sqlalchemy[asyncio]", "aiosqlite")) == ()
    assert len(judge(UNKNOWN, requirements=("sqlalchemy[asyncio]", "psycopg2-binary"))) == 1


@pytest.mark.parametrize(
    ("version", "text", "found"),
    [
        ("1.4.54", TEXT, 0),
        ("1.4.54", replace(TEXT, source="repr(engine.url)"), 1),
        ("1.4.54", RENDERED, 1),
        ("2.0.0", TEXT, 1),
        (None, TEXT, 1),
    ],
)
def test_on_sqlalchemy_1_the_text_still_has_the_password(version, text, found):
    given = facts(masked_texts=(text,))
    given.sqlalchemy = lambda: tuple(map(int, version.split(".")[:2])) if version else None
    assert len(find("ADB314", given)) == found


def test_in_tests_it_is_advice():
    (finding,) = judge(replace(TEXT, role="test"))
    assert (finding.severity, finding.confidence) == (Severity.ADVICE, Confidence.CERTAIN)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (TEXT, [(100, 104, ""), (114, 115, ".render_as_string(hide_password=False)")]),
        (
            replace(TEXT, doubles=True),
            [(100, 104, ""), (114, 115, '.render_as_string(hide_password=False).replace("%", "%%")')],
        ),
        (RENDERED, [(114, 115, ".render_as_string(hide_password=False)")]),
    ],
)
def test_the_fix_replaces_what_hides_the_password(text, changes):
    (finding,) = judge(text)
    assert [(one.span.start, one.span.end, one.text) for one in finding.fixes[0].changes] == changes


def test_what_has_no_exact_edit_has_no_fix():
    for source in (f"f'{{engine.url}}{'x' * 60}", ""):
        (finding,) = judge(replace(TEXT, is_editable=False, source=source))
        assert finding.fixes == ()
        assert "gets the text of a URL," in finding.message
