"""ADB202 where the project's own folder is a package, so that its app needs the folder above."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import boot, error, facts, failed, find

from pytest_asyncdb.facts.project import App
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Severity

ABOVE = App("main:app", factory=False, found_in="main.py:3", import_root=".", cwd=".", framework="fastapi",
            module_path="main.py", above="svc.main:app")  # fmt: skip
RELATIVE = error("ImportError", "attempted relative import with no known parent package", "main.py:1")


@pytest.mark.parametrize(
    "failure",
    [
        RELATIVE,
        error("ImportError", "attempted relative import beyond top-level package", "api/users.py:1"),
        error("ModuleNotFoundError", "No module named 'svc'", "main.py:1", name="svc"),
    ],
)
def test_an_import_that_needs_the_folder_above_is_not_judged_where_the_project_is_a_package(failure):
    with pytest.raises(NotJudgedError, match=r"run pytest in the folder above with `--asyncdb-app=svc\.main:app`$"):
        find("ADB202", facts(boot=boot(failure), app=ABOVE))
    [finding] = find("ADB202", facts(boot=boot(failure), app=replace(ABOVE, above="")))
    assert finding.severity is Severity.BLOCKS


def test_another_fault_of_an_app_whose_folder_is_a_package_is_told():
    for failure in (
        error("ImportError", "cannot import name 'A' from 'b'", "main.py:1"),
        error("ModuleNotFoundError", "No module named 'nowhere'", "main.py:1", name="nowhere"),
    ):
        assert len(find("ADB202", facts(boot=boot(failure), app=ABOVE))) == 1


def test_a_folder_whose_name_no_option_takes_is_not_named():
    with pytest.raises(NotJudgedError, match=r"run pytest in the folder above$"):
        find("ADB202", facts(boot=boot(RELATIVE), app=replace(ABOVE, above="my-svc.main:app")))


def test_the_reason_why_the_app_is_not_judged_is_not_lost_over_a_module_that_it_does_not_import():
    other = failed("tool", error("ZeroDivisionError", "division by zero", "tool.py:1"))
    with pytest.raises(NotJudgedError, match="run pytest in the folder above"):
        find("ADB202", facts(boot=boot(RELATIVE, imports=(other,)), app=ABOVE))
    [finding] = find("ADB202", facts(boot=boot(RELATIVE, imports=(replace(other, by_app=True),)), app=ABOVE))
    assert (finding.severity, finding.place.path) == (Severity.BLOCKS, "tool.py")
