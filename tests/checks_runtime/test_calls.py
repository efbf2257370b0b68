"""Edits of calls, on source text as people write it."""

from __future__ import annotations

import ast
import tokenize
from io import StringIO

import pytest
from booted_by_hand import PATH, module_of

from pytest_asyncdb import fixes
from pytest_asyncdb.model.calls import with_argument, without_argument
from pytest_asyncdb.model.fix import Fix

LAYOUTS = {
    "one line": "f = make(engine, autocommit=False, autoflush=False)\n",
    "first": "f = make(autocommit=False, autoflush=False)\n",
    "last": "f = make(engine, autocommit=False)\n",
    "alone": "f = make(autocommit=False)\n",
    "own lines": "f = make(\n    engine,\n    autocommit=False,\n    autoflush=False,\n)\n",
    "own line, first": "f = make(\n    autocommit=False,\n    autoflush=False,\n)\n",
    "own line, last": "f = make(\n    engine,\n    autocommit=False,\n)\n",
    "own line, last, without comma": "f = make(\n    engine,\n    autocommit=False\n)\n",
    "comment before": "f = make(\n    engine,  # the only one\n    autocommit=False,\n    autoflush=False,\n)\n",
    "comment after": "f = make(\n    engine,\n    autocommit=False,\n    # why\n    autoflush=False,\n)\n",
    "two a line": "f = make(\n    engine, autocommit=False,\n    autoflush=False,\n)\n",
    "hanging": "f = make(engine,\n         autocommit=False,\n         autoflush=False)\n",
    "after many lines": "f = make(\n    {\n        1: 2,\n    },\n    autocommit=False,\n)\n",
    "not ASCII": "f = make(\n    name='Zoë',\n    autocommit=False,\n)\n",
}


def edited(text, change):
    return fixes.apply([Fix("", (change,), safe=True)], lambda _: text).get(PATH, text)


def spans(call):
    return [argument.span for argument in call.arguments]


def comments(text):
    return [t.string for t in tokenize.generate_tokens(StringIO(text).readline) if t.type == tokenize.COMMENT]


def keywords(text):
    call = ast.parse(text).body[0].value
    return [ast.unparse(one) for one in (*call.args, *call.keywords)]


@pytest.fixture(params=LAYOUTS.values(), ids=LAYOUTS)
def text(request):
    return request.param


@pytest.fixture(params=["\n", "\r\n"], ids=["LF", "CRLF"])
def ending(request):
    return request.param


def test_an_argument_goes_and_nothing_else(text, ending):
    text = text.replace("\n", ending)
    call = module_of(text).calls[0]
    index = next(i for i, argument in enumerate(call.arguments) if argument.keyword == "autocommit")
    after = edited(text, without_argument(call.span, spans(call), index))
    assert keywords(after) == [one for one in keywords(text) if one != "autocommit=False"]
    assert comments(after) == comments(text)
    assert all(line == "" or line.strip() for line in after.split(ending)), "no empty line is left behind"
    assert after.count("\n") == after.count(ending)


def test_a_line_of_its_own_goes_whole():
    text = LAYOUTS["own lines"]
    call = module_of(text).calls[0]
    assert edited(text, without_argument(call.span, spans(call), 1)) == text.replace("    autocommit=False,\n", "")


def test_an_argument_between_comments_stays():
    text = "f = make(\n    engine,  # one\n    autocommit=False,  # two\n    autoflush=False,\n)\n"
    call = module_of(text).calls[0]
    assert without_argument(call.span, spans(call), 1) is None


def test_an_argument_comes_and_nothing_else_changes(text, ending):
    text = text.replace("\n", ending)
    call = module_of(text).calls[0]
    after = edited(text, with_argument(call.callee, call.span, spans(call), "expire_on_commit=False"))
    assert keywords(after) == [*keywords(text), "expire_on_commit=False"]
    assert comments(after) == comments(text)
    assert after.count("\n") == after.count(ending)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f = make()\n", "f = make(new=1)\n"),
        ("f = make(engine)\n", "f = make(engine, new=1)\n"),
        ("f = make(\n    engine,\n)\n", "f = make(\n    engine,\n    new=1,\n)\n"),
        ("f = make(\r\n  engine,\r\n  a=1,\r\n)\r\n", "f = make(\r\n  engine,\r\n  a=1,\r\n  new=1,\r\n)\r\n"),
        ("f = make(engine,\n         a=1)\n", "f = make(engine,\n         a=1, new=1)\n"),
    ],
)
def test_an_argument_follows_the_style_of_the_others(before, after):
    call = module_of(before).calls[0]
    assert edited(before, with_argument(call.callee, call.span, spans(call), "new=1")) == after
