# ruff: noqa: E501 - names of parameters in one list: a line each would hide the strategy
"""What holds for every URL, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import URL

from pytest_asyncdb import InvalidURL, normalize_url
from pytest_asyncdb.urls.draft import _UNFILLED
from pytest_asyncdb.urls.normalize import _sqlalchemy_decodes_database
from pytest_asyncdb.urls.parse import _TEMPLATE

DRIVERS = ("asyncpg", "psycopg")
SECRET = "Zx81kQ"

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
passwords = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
hosts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True) | st.ip_addresses().map(
    str
)
queries = st.dictionaries(
    st.sampled_from(["sslmode", "ssl", "channel_binding", "application_name", "connect_timeout", "options", "pool_size", "pgbouncer",
                     "target_session_attrs", "command_timeout", "search_path", "statement_cache_size", "timezone"]),
    st.sampled_from(["require", "disable", "5", "0", "-c jit=off", "read-write", "true"]),
)  # fmt: skip


def is_template(text):
    return _UNFILLED.fullmatch(text) is not None or set(text) == {"*"}


def accepted(url, driver="asyncpg"):
    """The normalised URL, or None when it is refused, which must not show the password."""
    try:
        return normalize_url(url, driver=driver)
    except InvalidURL as error:
        shown = f"{error} {error.__cause__!r} {error.__context__!r}"
    assert SECRET not in shown
    return None


@st.composite
def urls(draw):
    user, password, database = draw(names), SECRET + draw(passwords), draw(names)
    assume(not any(is_template(part) for part in (user, password, database)))
    assume(database.strip() == database)
    # SQLAlchemy 2.0 writes the database as it is: with these in it no parser can tell where it begins or ends.
    assume(_sqlalchemy_decodes_database() or not set("?@/") & set(database))
    # Nor braces that open in one part and close in another: they look like a template.
    assume(_sqlalchemy_decodes_database() or not _TEMPLATE.search(f"{user}:{password}@host/{database}"))
    port = draw(st.integers(1, 65535) | st.none())
    return URL.create("postgresql", user, password, draw(hosts), port, database, draw(queries))


@pytest.mark.parametrize("driver", DRIVERS)
@given(url=urls())
def test_nothing_is_lost_and_a_second_time_changes_nothing(driver, url):
    first = accepted(url, driver)
    if first is None:
        return
    assert first.url.set(query={}) == url.set(drivername=f"postgresql+{driver}", query={})
    again = normalize_url(first.url.render_as_string(hide_password=False), driver=driver)
    assert (again.url, again.changes, again.connect_args) == (first.url, (), {})
    assert normalize_url(first.url, driver=driver).changes == ()
    assert SECRET not in f"{first!r} {first!s} {first.changes!r}"


@given(st.text(alphabet="postgresql+:/@?#&=%[],'\" \\0aé{}$<>;", max_size=30))
def test_any_url_like_text_is_normalised_or_refused(rest):
    normalized = accepted(f"postgresql://u:{SECRET}{rest}")
    if normalized is None:
        return
    assert SECRET not in repr(normalized)
    if _sqlalchemy_decodes_database() or not set("?@/") & set(normalized.url.database or ""):
        text = normalized.url.render_as_string(hide_password=False)
        assert normalize_url(text).url == normalized.url
