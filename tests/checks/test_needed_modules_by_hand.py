"""ADB107, ADB202 and ADB203: what the app would import after the line at which its import failed."""

from __future__ import annotations

import pytest
from by_hand import APP, boot, error, facts, failed, find, module

from pytest_asyncdb.facts.python import Level
from pytest_asyncdb.model.finding import Confidence, Severity

ABSENT = error("ModuleNotFoundError", "No module named 'absent'", "src/main.py:1", name="absent")


def broken(failure, level=Level.MODULE, ended=ABSENT):
    modules = (module("src.main", ("absent", "a"), ("src.broker", "send"), level=level), module("src.broker"))
    return facts(modules=modules, app=APP, boot=boot(ended, imports=(failed("src.broker", failure),)))


@pytest.mark.parametrize(("level", "severity"), [(Level.MODULE, Severity.BLOCKS), (Level.FUNCTION, Severity.LATENT)])
def test_a_module_that_the_app_imports_further_down_is_not_latent(level, severity):
    given = broken(error("ImportError", "cannot import name 'send' from 'json'", "src/broker.py:1"), level)
    seen, told = find("ADB202", given)
    assert (seen.severity, seen.confidence) == (Severity.BLOCKS, Confidence.CERTAIN)
    sure = Confidence.CERTAIN if severity is Severity.LATENT else Confidence.LIKELY
    assert (told.place.path, told.severity, told.confidence) == ("src/broker.py", severity, sure)


def test_an_app_that_imports_does_not_need_what_it_did_not_import():
    [told] = find("ADB202", broken(error("ImportError", "cannot import name 'send'", "src/broker.py:1"), ended=None))
    assert (told.severity, told.confidence) == (Severity.LATENT, Confidence.CERTAIN)


def test_a_circle_depends_on_which_module_comes_first():
    message = "cannot import name 'A' from partially initialized module 'src.broker'"
    [circle] = find("ADB203", broken(error("ImportError", message, "src/broker.py:1", "src/main.py:2")))
    assert circle.severity is Severity.LATENT
