from __future__ import annotations

import ast
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_asyncdb.sources.decode import decode
from pytest_asyncdb.sources.dotenv import entries
from pytest_asyncdb.sources.lines import Lines
from pytest_asyncdb.sources.toml import values

CODE = 'päth = "ä€𝄞"; naïve = päth\nif naïve:\n\tüber = naïve  # ✓\n\f\ndef ƒ(x, /, *, ключ=1): return (x,\n ключ)\n'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a=1\r\nb=\xc3\xa4\n", "a=1\r\nb=ä\n"),
        (codecs.BOM_UTF8 + b"fastapi\n", "fastapi\n"),
        (codecs.BOM_UTF16_LE + "fastapi\r\n".encode("utf-16-le"), "fastapi\r\n"),
        (codecs.BOM_UTF16_BE + "fastapi\n".encode("utf-16-be"), "fastapi\n"),
        ("asyncpg==0.31\r\n".encode("utf-16-le"), "asyncpg==0.31\r\n"),
        (b"caf\xe9\n", "café\n"),
        (b"", ""),
    ],
)
def test_decodes_exactly_and_back(data, text):
    found, encoding = decode(data)
    assert found == text
    assert encoding.encode(found) == data


def test_python_cookie_counts_only_in_python():
    data = b"# -*- coding: latin-1 -*-\nname = 'caf\xc3\xa9'\n"
    assert "Ã©" in decode(data, python=True)[0]
    assert "é" in decode(data)[0]


def test_unknown_cookie_falls_back_to_utf8():
    assert decode(b"# coding: klingon\nx = '\xc3\xa4'\n", python=True)[0].endswith("'ä'\n")


@given(st.binary(max_size=60))
def test_any_bytes_survive(data):
    text, encoding = decode(data)
    assert encoding.encode(text) == data


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_positions_of_ast_nodes_are_characters(ending):
    text = CODE.replace("\n", ending)
    lines = Lines("a.py", text)
    seen = 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            start = lines.offset(node.lineno, node.col_offset)
            span = lines.span(start, lines.offset(node.end_lineno, node.end_col_offset))
            assert text[span.start : span.end] == node.id
            assert span.line == node.lineno
            seen += 1
    assert seen == 8


def test_line_breaks_are_those_of_python():
    lines = Lines("a.py", "a\u2028b\x0cc\r\nd\x85e\n")
    assert len(lines) == 3
    assert lines.line_at(lines.text.index("d")) == 2
    assert lines.text[lines.start(1) : lines.end(1)] == "a\u2028b\x0cc"
    assert (lines.span(7, 8).line, lines.span(7, 8).column) == (2, 1)


ENV = """\
# DATABASE_URL=postgresql://old
DATABASE_URL=postgresql://u:p@h/d?x=1#frag   # why
export QUOTED = "two # words" # comment
SINGLE='it is'\r
ESCAPED="a\\"b"
'KEY'=3
MULTI="one
two"
EMPTY=
NO_VALUE

ümlaut=é # x
LAST=end"""


def test_dotenv_spans_cover_what_dotenv_reads():
    found = entries(ENV)
    assert [(one.key, one.value) for one in found] == [
        ("DATABASE_URL", "postgresql://u:p@h/d?x=1#frag"),
        ("QUOTED", "two # words"),
        ("SINGLE", "it is"),
        ("ESCAPED", 'a"b'),
        ("KEY", "3"),
        ("MULTI", "one\ntwo"),
        ("EMPTY", ""),
        ("ümlaut", "é"),
        ("LAST", "end"),
    ]
    lines = Lines(".env", ENV)
    for one in found:
        assert lines.line_at(one.value_start) == one.line
        if one.key != "ESCAPED":
            assert ENV[one.value_start : one.value_end] == one.value
    assert ENV[found[3].value_start : found[3].value_end] == 'a\\"b'


def test_dotenv_entries_show_no_value():
    assert "hunter" not in repr(entries("PASSWORD=hunter22\n"))


TOML = """\
title = "x" # "not this"
[project]
dependencies = [
  "fastapi>=0.115", # web
  'asyncpg',
]
[project.optional-dependencies]
"my.group" = ["a", "b"]
[tool.poetry.dependencies]
sqlalchemy = {extras = ["asyncio"], version = "^2.0"}
number = 1_000
[[package]]
name = 'one'
[[package]]
name = '''two'''
"""


def test_toml_values_have_exact_places():
    found = {one.path: one for one in values(TOML)}
    assert found[("project", "dependencies", 1)].text == "asyncpg"
    assert found[("project", "optional-dependencies", "my.group", 1)].text == "b"
    assert found[("tool", "poetry", "dependencies", "number")].text == "1_000"
    assert found[("package", 1, "name")].text == "two"
    assert len(found) == 10
    for one in found.values():
        assert TOML[one.start : one.end] == one.text
    table = found[("tool", "poetry", "dependencies", "sqlalchemy", "version")]
    assert TOML[slice(*table.statement)] == 'sqlalchemy = {extras = ["asyncio"], version = "^2.0"}'
    assert TOML[slice(*table.key)] == "sqlalchemy"


@pytest.mark.parametrize("text", ["[a", "a = ", "= 3", "a = [1, {b}]"])
def test_toml_that_cannot_be_followed_is_refused(text):
    with pytest.raises(ValueError, match="expected at character"):
        values(text)
