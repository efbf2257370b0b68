"""ADB110 and ADB206: syntax errors and syntax of later Pythons, on Pythons that are not running here."""

from __future__ import annotations

import sys

import pytest
from by_hand import APP, facts, find, module

from pytest_asyncdb.facts.dependencies import PythonRange
from pytest_asyncdb.facts.python import SyntaxFault
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.place import Place


def admits(specifier, name="requires-python", *minors):
    return PythonRange(specifier, Place("pyproject.toml", 2), name, minors)


def test_syntax_error_blocks_where_the_app_imports_it():
    fault = SyntaxFault(Place("src/bad.py", 3, 5), "invalid syntax")
    bad = module("src.bad", fault=fault)
    main = module("src.main", ("src", "bad"))
    [needed] = find("ADB206", facts(modules=(main, bad), app=APP))
    [unused] = find("ADB206", facts(modules=(module("src.main"), bad), app=APP))
    assert (needed.severity, unused.severity) == (Severity.BLOCKS, Severity.LATENT)
    assert needed.place == fault.place


def test_syntax_error_of_a_loose_script_is_silent():
    fault = SyntaxFault(Place("old.py", 1), "Missing parentheses in call to 'print'")
    assert find("ADB206", facts(modules=(module("old", role="script", fault=fault),), app=APP)) == ()


HERE = "{}.{}.1".format(*sys.version_info)
NEWER = SyntaxFault(Place("src/new.py", 3), "a template string", needs="3.14")


@pytest.mark.parametrize(
    ("python", "pythons", "confidence"),
    [
        (HERE, (admits(">=3.11"),), "certain"),
        (HERE, (admits(">=3.11"), admits("", "Dockerfile", "3.14")), "likely"),
        (HERE, (admits("", "classifiers", HERE[:4], "3.14"),), "certain"),
        ("3.14.0", (admits(">=3.11"),), None),
        ("3.14.0rc1", (), None),
    ],
)
def test_newer_syntax_is_a_fault_where_the_project_says_it_runs_here(python, pythons, confidence):
    given = facts(modules=(module("src.new", fault=NEWER),), python=python, pythons=pythons)
    found = find("ADB206", given)
    assert [one.confidence for one in found] == ([confidence] if confidence else [])
    assert all(f"needs Python 3.14, and this is {HERE}: a template string" in one.message for one in found)
    assert all(str(pythons[0]) in one.root_cause for one in found)


@pytest.mark.parametrize("pythons", [(), (admits(">=3.14"), admits("", "classifiers", HERE[:4])), (admits(">=3.15"),)])
def test_newer_syntax_elsewhere_is_not_judged_and_the_python_it_needs_is_named(pythons):
    with pytest.raises(NotJudgedError, match=r"src/new\.py.*Python 3\.14 \(a template string in line 3\), this is"):
        find("ADB206", facts(modules=(module("src.new", fault=NEWER),), python=HERE, pythons=pythons))


@pytest.mark.parametrize(("pythons", "judged"), [((admits(">=3.14"),), True), ((admits(">=3.15"),), False)])
def test_an_error_is_the_projects_unless_it_asks_for_a_python_that_nobody_knows_here(pythons, judged):
    bad = module("src.bad", fault=SyntaxFault(Place("src/bad.py", 3), "invalid syntax"))
    given = facts(modules=(bad,), python=HERE, pythons=pythons)
    if judged:
        assert [one.confidence for one in find("ADB206", given)] == ["likely"]
    else:
        with pytest.raises(NotJudgedError, match="can't be parsed"):
            find("ADB206", given)
