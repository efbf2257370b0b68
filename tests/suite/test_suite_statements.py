"""Every test of a suite says what it expects, and which documented statement that is."""

from __future__ import annotations

import inspect
import re
from pkgutil import resolve_name

import pytest

from pytest_asyncdb import suite
from pytest_asyncdb.suite.statements import statement_of

SUITES = [getattr(suite, name) for name in suite.__all__ if name.endswith("Suite")]
TESTS = {name: getattr(one, name) for one in SUITES for name in dir(one) if name.startswith("test")}
ROLE = re.compile(r":\w+:`(?:[^`<]*\.)?([^`<.]+)`")


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_each_test_stands_for_a_statement(test):
    statement = statement_of(test)
    assert inspect.getdoc(test).endswith("."), "the docstring is what the test expects, in our words"
    assert statement.phrase
    assert re.fullmatch(r"https://[\w.-]+/[\w./-]+\.html#[\w.-]+", statement.url())
    assert "/en/20/" in statement.url("20") or not statement.url().startswith("https://docs.sqlalchemy.org/")


API = sorted({one for one in map(statement_of, TESTS.values()) if one.anchor.startswith("sqlalchemy.")}, key=repr)


@pytest.mark.parametrize("statement", API, ids=lambda one: one.anchor)
def test_what_is_quoted_from_an_interface_stands_in_the_installed_version(statement):
    """Pages of prose are not installed; docstrings are."""
    owner, _, parameter = statement.anchor.partition(".params.")
    described = resolve_name(f"{owner}.__init__" if parameter else owner)
    text = " ".join(ROLE.sub(r"\1", inspect.getdoc(described)).translate(dict.fromkeys(map(ord, "*`\\"), "")).split())
    after = text.partition(f":param {parameter}:")[2] if parameter else text
    assert statement.phrase in after
