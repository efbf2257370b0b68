from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_asyncdb.urls.parse import Host, InvalidURL, parse_url

PLAIN = "postgresql+asyncpg://u:p%40ss@h:5432/d?sslmode=require&x=a%20b"


def cut(text, span):
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize("before", ["", "  ", "'", '"', "DATABASE_URL=", 'export DB="', "psql '", "psql -d '", "\n"])
@pytest.mark.parametrize("after", ["", " \n"])
def test_offsets_point_into_the_given_text(before, after):
    quote = next((c for c in before if c in "'\""), "")
    text = before + PLAIN + quote + after
    url = parse_url(text)
    spans = (
        url.span,
        url.scheme_span,
        url.password_span,
        url.path_span,
        url.query_span,
    )
    assert [cut(text, span) for span in spans] == [
        PLAIN, "postgresql+asyncpg", "p%40ss", "d", "?sslmode=require&x=a%20b",
    ]  # fmt: skip
    assert [(one.name, one.value, cut(text, one.span)) for one in url.parameters] == [
        ("sslmode", "require", "sslmode=require"),
        ("x", "a b", "x=a%20b"),
    ]
    assert url.masked == PLAIN.replace("p%40ss", "***")


@pytest.mark.parametrize(
    ("text", "user", "password", "hosts", "database"),
    [
        ("postgres://u:p@h/d", "u", "p", [("h", None)], "d"),
        ("postgresql://h", None, None, [("h", None)], None),
        ("postgresql:///d", None, None, [], "d"),
        ("postgresql://u@h:1", "u", None, [("h", "1")], None),
        ("postgresql://u:p@ss/w:o@h/d", "u", "p@ss/w:o", [("h", None)], "d"),
        ("postgresql://u:p@h/d@x", "u", "p", [("h", None)], "d@x"),
        ("postgresql://u:p?w=1@h/d?x=y", "u", "p?w=1", [("h", None)], "d"),
        ("postgresql://u:p#1@h/d", "u", "p#1", [("h", None)], "d"),
        (
            "postgres://me@server:p@x.postgres.database.azure.com/d",
            "me@server",
            "p",
            [("x.postgres.database.azure.com", None)],
            "d",
        ),
        ("postgresql://localhost/d?options=a@b", None, None, [("localhost", None)], "d"),
        ("postgresql://u:p@[::1]:5432/d", "u", "p", [("::1", "5432")], "d"),
        ("postgresql://u:p@h1:1,[fe80::2]:2,h3/d", "u", "p", [("h1", "1"), ("fe80::2", "2"), ("h3", None)], "d"),
        ("postgresql://u:p@%2Fcloudsql%2Fp%3Ar%3Ai/d", "u", "p", [("/cloudsql/p:r:i", None)], "d"),
        ("postgresql://u:p@%2Fvar%2Frun:5433/d", "u", "p", [("/var/run", "5433")], "d"),
        (
            "postgresql://${U}:${P:-a@b/c}@${H:?none}:${PORT}/${D}",
            "${U}",
            "${P:-a@b/c}",
            [("${H:?none}", "${PORT}")],
            "${D}",
        ),
        ("jdbc:postgresql://h:1/d", None, None, [("h", "1")], "d"),
        ("jdbc:postgresql:d", None, None, [], "d"),
        ("host=h port=1 user=u password='a b\\'c' dbname=d", "u", "a b'c", [("h", "1")], "d"),
        ("host=h1,h2 port=1,2 dbname=d", None, None, [("h1", "1"), ("h2", "2")], "d"),
        ("dbname = d host = /var/run", None, None, [("/var/run", None)], "d"),
        ("Server=h;Database=d;Port=1;User Id=u;Password=p;Ssl Mode=Require", "u", "p", [("h", "1")], "d"),
        ("psql -h h -p 1 -U u d", "u", None, [("h", "1")], "d"),
        ("PGPASSWORD=p psql -h h -U u d", "u", "p", [("h", None)], "d"),
        ("psql --host=h --username=u --dbname=d", "u", None, [("h", None)], "d"),
        ('psql "host=h dbname=d user=u sslmode=require"', "u", None, [("h", None)], "d"),
        ("postgresql://u:a%2Fb%3Ac%25@h/my%20db", "u", "a/b:c%", [("h", None)], "my db"),
    ],
)
def test_parts(text, user, password, hosts, database):
    url = parse_url(text)
    assert (url.username, url.password, url.database) == (user, password, database)
    assert url.hosts == tuple(Host(name, port) for name, port in hosts)
    assert password is None or len(password) == 1 or password not in repr(url) + url.masked


@pytest.mark.parametrize(
    "text", ["", "   ", "''", "hello", "u:pa55word@h/d", "postgresql:/u:pa55word@h/d", "host=h pa55word"]
)
def test_what_is_no_url_is_refused_without_repeating_it(text):
    with pytest.raises(InvalidURL) as error:
        parse_url(text)
    assert "pa55word" not in str(error.value)


@given(st.text())
def test_any_text_parses_or_is_refused_and_offsets_stay_inside(text):
    try:
        url = parse_url(text)
    except InvalidURL:
        return
    for span in (
        url.span,
        url.scheme_span,
        url.password_span,
        url.path_span,
        url.query_span,
    ):
        assert span is None or 0 <= span[0] <= span[1] <= len(text)


@given(st.text(alphabet="postgresql+:/@?#&=%[],'\" \\0aé{}$<>;", max_size=40))
def test_any_url_like_text_parses_or_is_refused(rest):
    try:
        url = parse_url("postgresql://" + rest)
    except InvalidURL:
        return
    assert url.password is None or len(url.password) < 4 or url.password not in repr(url)
