"""ADB105, ADB107 and ADB202 where what the project declares is not installed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import boot, error, facts, failed, find

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Severity

REQUIREMENTS = ("sqlalchemy[asyncio]", "apscheduler", "pyjwt")


def absent(name, path="src/main.py"):
    return error("ModuleNotFoundError", f"No module named '{name}'", f"{path}:1", name=name)


def incomplete(ended, *names, requirements=REQUIREMENTS, **given):
    imports = [failed(f"src.{name}", absent(name, f"src/{name}.py")) for name in names]
    return facts(requirements=requirements, boot=boot(ended, imports=imports), **given)


def test_packages_of_another_name_are_told_with_the_declared_ones():
    given = incomplete(absent("apscheduler"), "jwt", "apscheduler")
    [finding] = find("ADB107", given)
    assert finding.message == "`apscheduler` is declared and not installed here, so `src.main` does not import"
    assert "`jwt` is missing too" in finding.root_cause
    with pytest.raises(NotJudgedError, match="declared packages are not installed here"):
        find("ADB202", given)


def test_it_blocks_also_where_only_a_package_of_another_name_does():
    [finding] = find("ADB107", incomplete(absent("jwt"), "apscheduler"))
    assert finding.severity is Severity.BLOCKS


def test_what_is_no_package_is_told_all_the_same():
    broken = failed("src.tool", error("ZeroDivisionError", "division by zero", "src/tool.py:1"))
    gone = failed("src.old", absent("asyncore", "src/old.py"))
    given = facts(requirements=REQUIREMENTS, boot=boot(absent("apscheduler"), imports=(broken, gone)))
    assert {one.place.path for one in find("ADB202", given)} == {"src/tool.py", "src/old.py"}


def test_a_missing_package_is_told_where_nothing_declared_is_missing():
    versions = {"apscheduler": "3.11", "pyjwt": "2.10"}
    given = incomplete(absent("jose"), versions=versions)
    assert find("ADB107", given) == ()
    assert len(find("ADB202", given)) == 1


@pytest.mark.parametrize(("ended", "told"), [("apscheduler", ["fastapi"]), (None, ["sqlalchemy", "fastapi"])])
def test_a_version_that_only_the_tool_brought_contradicts_nothing(ended, told):
    declared = ("sqlalchemy[asyncio]<2", "fastapi<0.100", "apscheduler")
    failure = absent(ended) if ended else None
    given = incomplete(failure, requirements=declared, versions={"fastapi": "0.165.0"})
    given.installed = replace(given.installed, tool=frozenset({"pytest-asyncdb", "pytest", "sqlalchemy"}))
    found = find("ADB105", given)
    assert [one.message.split("`")[1] for one in found] == told
    assert ["installing pytest-asyncdb" in one.root_cause for one in found] == [name == "sqlalchemy" for name in told]
