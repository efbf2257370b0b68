"""ADB203 and its kin: circles that the examples cannot have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import boot, error, facts, failed, find, module

from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.place import Place


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ImportError", "cannot import name 'A' from partially initialized module 'pkg.a' (most likely due to ...)"),
        ("AttributeError", "partially initialized module 'pkg.a' has no attribute 'A' (most likely due to ...)"),
        ("AttributeError", "cannot access submodule 'a' of module 'pkg' (most likely due to a circular import)"),
    ],
)
def test_circle_is_shown_from_the_traceback(kind, message):
    modules = (module("main"), module("pkg.a"), module("pkg.b"))
    failure = error(kind, message, "main.py:1", "pkg/a.py:1", "pkg/b.py:1")
    [finding] = find("ADB203", facts(modules=modules, boot=boot(failure, imports=(failed("pkg.a", failure),))))
    assert finding.message == "this import closes the circle `pkg.a -> pkg.b -> pkg.a`"
    assert finding.place == Place("pkg/b.py", 1)


def test_circle_that_does_no_harm_is_silent():
    from pytest_asyncdb.facts.project import Cycle

    assert find("ADB203", facts(boot=boot(), cycles=(Cycle(("a", "b"), (Place("a.py", 1), Place("b.py", 1))),))) == ()


def test_each_step_of_a_circle_and_what_sets_it_off():
    modules = (module("main"), module("pkg.a"), module("pkg.b"))
    text = "cannot import name 'A' from partially initialized module 'pkg.a'"
    failure = error("ImportError", text, "main.py:1", "pkg/a.py:3", "pkg/b.py:5")
    [finding] = find("ADB203", facts(modules=modules, boot=boot(failure)))
    assert "Importing `src.main` sets it off" in finding.root_cause
    assert "pkg/a.py:3 imports pkg.b, pkg/b.py:5 imports pkg.a." in finding.root_cause


def test_a_circle_that_is_caught_is_told_with_the_name_that_is_missing():
    from pytest_asyncdb.facts.project import Cycle
    from pytest_asyncdb.model.finding import Confidence
    from pytest_asyncdb.sandbox.record import SwallowedRecord

    lost = (SwallowedRecord("pkg.b", "A", "pkg.a", Place("pkg/b.py", 5, 5)),)
    cycle = Cycle(("pkg.a", "pkg.b"), (Place("pkg/a.py", 3), Place("pkg/b.py", 5)))
    [finding] = find("ADB203", facts(boot=replace(boot(), swallowed=lost), cycles=(cycle,)))
    assert (finding.place, finding.severity) == (Place("pkg/b.py", 5, 5), Severity.LATENT)
    assert finding.message == "`A` of `pkg.a` is missing in `pkg.b`: the error of a circle is caught here"
    assert "pkg/a.py:3 imports pkg.b, pkg/b.py:5 imports pkg.a." in finding.root_cause
    [unsure] = find("ADB203", facts(boot=replace(boot(), swallowed=lost)))
    assert unsure.confidence is Confidence.LIKELY
