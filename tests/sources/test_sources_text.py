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


def test_a_cookie_counts_where_python_or_pip_heeds_it():
    data = b"# -*- coding: latin-1 -*-\nname = 'caf\xc3\xa9'\n"
    assert "Ã©" in decode(data, cookie=True)[0]
    assert "é" in decode(data)[0]


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"x = 1\n", ""),
        (b"\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", ""),
        (b"\x0c# coding: latin-1\nx = '\xe9'\n", ""),
        (codecs.BOM_UTF8 + b"# coding: utf-8\nx = 1\n", ""),
        (b"# coding: utf_8_sig\nx = 1\n", ""),
        (b"# coding: klingon\nx = '\xc3\xa4'\n", "klingon"),
        (b"# coding: hex\nx = 1\n", "hex"),
        (b"# coding: utf-16\nx = 1\n", "utf-16"),
        (codecs.BOM_UTF8 + b"# coding: latin-1\nx = 1\n", "byte-order mark"),
        ("x = 1\n".encode("utf-16"), "UTF-16"),
        (b"x = 1\ny = '\xe9'\n", "byte 0xe9"),
        (b"x = 1\n# coding: latin-1\ny = '\xe9'\n", "byte 0xe9"),
        (b"# coding: utf-8\ny = '\xe9'\n", "byte 0xe9"),
    ],
)
def test_what_python_refuses_to_read_is_said_in_words(data, refused):
    text, encoding = decode(data, cookie=True)
    assert refused in encoding.refused
    assert encoding.encode(text) == data
    try:
        ast.parse(data)
    except SyntaxError:
        assert encoding.refused
    else:
        assert not encoding.refused


@given(st.binary(max_size=60))
def test_any_bytes_survive(data):
    for cookie in (True, False):
        text, encoding = decode(data, cookie=cookie)
        assert encoding.encode(text) == data


_COOKIES = ("utf-8", "latin-1", "cp1252", "cp1251", "koi8-r", "shift_jis", "gb18030", "mac-roman", "utf-7", "big5")


@given(st.sampled_from(_COOKIES), st.text(st.characters(exclude_categories=["C"]), max_size=20), st.booleans())
def test_a_declared_encoding_is_read_as_python_reads_it_and_an_edit_moves_nothing_else(codec, text, second):
    line = "\n" if second else ""
    code = f"{line}# coding: {codec}\nx = {text.encode(codec, 'ignore').decode(codec)!r}\ny = 1\n"
    data = code.encode(codec)
    read, encoding = decode(data, cookie=True)
    assert ast.dump(ast.parse(read)) == ast.dump(ast.parse(data))
    assert encoding.encode(read.replace("y = 1", "y = 2")) == data.replace(b"y = 1", b"y = 2")


@given(st.text(max_size=20), st.sampled_from(["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"]))
def test_a_byte_order_mark_decides(text, codec):
    mark = {"utf-16-be": codecs.BOM_UTF16_BE, "utf-32-be": codecs.BOM_UTF32_BE}.get(codec, b"")
    data = mark + f"a==1\n{text}".encode(codec)
    read, encoding = decode(data)
    assert read == f"a==1\n{text}"
    assert encoding.encode(read.replace("a==1", "a==2")) == mark + f"a==2\n{text}".encode(codec)


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
