"""ADB1xx on versions and environments that the examples cannot have."""

from __future__ import annotations

import pytest
from by_hand import SYNC_ENGINE, engine, facts, find, module, requirement

from pytest_asyncdb.facts.dependencies import Conflict, Locked
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddRequirement, Replace

OF_DRIVERS = ("ADB101", "ADB102", "ADB104")


def reported(given):
    return {check_id: found for check_id in OF_DRIVERS if (found := find(check_id, given))}


def test_driver_that_nothing_brings():
    given = facts(requirements=("sqlalchemy[asyncio]",), versions={"asyncpg": ""}, engines=(engine(),))
    [finding] = reported(given).pop("ADB101")
    assert finding.fixes[0].changes == (AddRequirement("requirements.txt", "asyncpg>=0.29.0"),)
    assert finding.confidence is Confidence.CERTAIN


def test_driver_that_only_a_tool_brings():
    brought = {"asyncpg": ("pytest-asyncdb",)}
    given = facts(requirements=("sqlalchemy[asyncio]",), engines=(engine(),), brought_by=brought)
    assert set(reported(given)) == {"ADB104"}
    assert "`pytest-asyncdb`" in find("ADB104", given)[0].message


def test_driver_declared_for_development_only():
    given = facts(requirements=("sqlalchemy[asyncio]",), development=("asyncpg",), engines=(engine(),))
    assert set(reported(given)) == {"ADB104"}
    assert find("ADB104", given)[0].place.line == 21


def test_sync_driver_is_reported_alone():
    given = facts(requirements=("fastapi", "psycopg2-binary>=2.9.9"), engines=(engine("postgresql://u@h/d"),))
    assert set(reported(given)) == {"ADB102"}
    [finding] = find("ADB102", given)
    assert finding.place.line == 2
    [change] = finding.fixes[0].changes
    assert isinstance(change, Replace)
    assert (change.span.end - change.span.start, change.text) == (len("psycopg2-binary>=2.9.9"), "asyncpg>=0.29.0")


@pytest.mark.parametrize(
    "user",
    [
        {"modules": (module("src.legacy", ("psycopg2", "connect")),)},
        {"engines": (engine(), engine("postgresql+psycopg2://u@h/other", function=SYNC_ENGINE, is_async=False))},
        {"engines": (engine(), engine(function=SYNC_ENGINE, is_async=False, url=None, role="migration"))},
    ],
)
def test_sync_driver_in_use_stays(user):
    given = facts(**{"engines": (engine(),), **user}, requirements=("psycopg2-binary>=2.9.9",))
    [finding] = find("ADB102", given)
    assert finding.fixes[0].changes == (AddRequirement("requirements.txt", "asyncpg>=0.29.0"),)


def test_explicit_psycopg_asks_for_psycopg():
    given = facts(requirements=("psycopg2-binary",), engines=(engine("postgresql+psycopg://u@h/d"),))
    [finding] = find("ADB102", given)
    assert finding.fixes[0].changes[0].text == "psycopg[binary]>=3.1"


@pytest.mark.parametrize(
    "healthy",
    [
        {"requirements": ("sqlalchemy[asyncio]", "asyncpg", "psycopg2-binary"), "engines": (engine(),)},
        {"requirements": ("databases[asyncpg]",), "reached": {"databases", "asyncpg"}, "engines": (engine(),)},
        {"requirements": ("psycopg2-binary",), "engines": (engine(is_async=False, function=SYNC_ENGINE),)},
        {"requirements": ("psycopg2-binary",), "engines": (engine(role="test"),)},
        {"requirements": ("psycopg2-binary",), "engines": (engine("sqlite+aiosqlite://h/d"),)},
        {"requirements": ("psycopg",), "engines": (engine("postgresql://u@h/d"),), "versions": {"psycopg": "3.3"}},
    ],
)
def test_declared_drivers_are_silent(healthy):
    assert reported(facts(**healthy)) == {}


@pytest.mark.parametrize("check_id", ["ADB101", "ADB103", "ADB104"])
def test_project_without_dependencies_is_not_judged(check_id):
    with pytest.raises(NotJudgedError, match="declares no production dependencies"):
        find(check_id, facts(requirements=(), development=("pytest",), engines=(engine(),)))


def test_requirement_that_is_not_installed_leaves_doubt():
    given = facts(requirements=("mysterious",), versions={"asyncpg": ""}, engines=(engine(),))
    assert find("ADB101", given)[0].confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    ("declared", "change"),
    [
        ("sqlalchemy>=2.0", "sqlalchemy[asyncio]"),
        ("sqlalchemy[mypy]>=2.0", "sqlalchemy[mypy,asyncio]"),
        ("sqlmodel>=0.0.48", "sqlmodel[asyncio]"),
        ("sqlmodel==0.0.50", "sqlmodel[asyncio]"),
        ("sqlmodel", "sqlmodel[asyncio]"),
        ("sqlmodel>=0.0.22", AddRequirement("requirements.txt", "sqlalchemy[asyncio]>=2.0")),
        ("sqlmodel==0.0.47", AddRequirement("requirements.txt", "sqlalchemy[asyncio]>=2.0")),
        ("fastapi", AddRequirement("requirements.txt", "sqlalchemy[asyncio]>=2.0")),
    ],
)
def test_greenlet_is_asked_for_in_the_least_edit(declared, change):
    requirements = (declared, "asyncpg")
    given = facts(requirements=requirements, reached={"asyncpg"}, versions={"sqlmodel": "0.0.50"}, engines=(engine(),))
    [finding] = find("ADB103", given)
    made = finding.fixes[0].changes[0]
    assert change == (made.text if isinstance(made, Replace) else made)
    assert finding.severity is Severity.BLOCKS


def test_greenlet_by_platform_marker_is_latent():
    versions = {"sqlalchemy": "2.0.58"}
    given = facts(requirements=("sqlalchemy", "asyncpg"), versions=versions, engines=(engine(),))
    [finding] = find("ADB103", given)
    assert finding.severity is Severity.LATENT
    assert "Apple silicon" in finding.message


@pytest.mark.parametrize(
    ("installed", "asked", "severity"),
    [
        ("2.1.9", "==2.0.45", Severity.LATENT),
        ("2.1.9", "<2.1", Severity.LATENT),
        ("2.0.58", ">=2.1.3", Severity.BLOCKS),
        ("2.1.9", ">=2.0", Severity.BLOCKS),
    ],
)
def test_the_version_that_is_asked_for_counts(installed, asked, severity):
    given = facts(
        requirements=(f"sqlalchemy{asked}", "asyncpg"),
        versions={"sqlalchemy": installed, "greenlet": ""},
        reached={"sqlalchemy", "asyncpg"},
        engines=(engine(),),
    )
    [finding] = find("ADB103", given)
    assert finding.severity is severity


@pytest.mark.parametrize(
    "healthy",
    [
        {"requirements": ("sqlalchemy[asyncio]", "asyncpg")},
        {"requirements": ("sqlalchemy", "greenlet", "asyncpg")},
        {"requirements": ("sqlalchemy[postgresql-asyncpg]",), "versions": {"sqlalchemy": "2.0.58"}},
        {"requirements": ("sqlalchemy", "asyncpg"), "reached": {"sqlalchemy", "asyncpg"}, "engines": ()},
    ],
)
def test_declared_greenlet_is_silent(healthy):
    assert find("ADB103", facts(**{"engines": (engine(),), **healthy})) == ()


def lock(*names, sqlalchemy):
    return Locked("uv.lock", (("sqlalchemy", sqlalchemy), *((name, "1") for name in names)), is_whole=True)


@pytest.mark.parametrize(
    ("locked", "severity"),
    [
        (lock(sqlalchemy="2.1.3"), Severity.BLOCKS),
        (lock("greenlet", sqlalchemy="2.1.3"), None),
        (lock("greenlet", sqlalchemy="2.0.45"), Severity.LATENT),
        (Locked(versions=(("sqlalchemy", "2.0.45"),)), Severity.LATENT),
        (Locked(versions=(("sqlalchemy", "git"),)), Severity.BLOCKS),
    ],
)
def test_what_a_lock_settles_decides_before_the_range_does(locked, severity):
    reached = {"sqlalchemy", "asyncpg"}
    given = facts(requirements=("sqlalchemy>=2.0", "asyncpg"), reached=reached, locked=locked, engines=(engine(),))
    found = find("ADB103", given)
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(one.confidence is Confidence.CERTAIN for one in found if locked.is_whole)


def test_a_driver_that_the_lock_brings_is_no_finding():
    given = facts(
        requirements=("sqlalchemy[asyncio]", "shared"), reached=("sqlalchemy", "greenlet"), engines=(engine(),)
    )
    assert find("ADB104", given)
    given.locked = lock("asyncpg", sqlalchemy="2.1.3")
    assert find("ADB104", given) == ()


def test_installed_version_that_is_not_declared():
    given = facts(requirements=("sqlalchemy[asyncio]<2.1", "asyncpg>=0.29"))
    [finding] = find("ADB105", given)
    assert finding.message == "`sqlalchemy` 2.1.9 is installed, and `<2.1` is declared"


def test_requirement_for_another_platform_is_silent():
    assert find("ADB105", facts(requirements=("asyncpg<0.30; sys_platform == 'win32'",))) == ()


def test_conflict_of_installed_versions_stands_at_the_requirement():
    conflict = Conflict("sqlalchemy", "2.1.9", "SQLAlchemy<2.1.0,>=2.0.14", "sqlmodel")
    given = facts(requirements=("fastapi", "sqlmodel==0.0.22"), conflicts=(conflict,))
    [finding] = find("ADB106", given)
    assert finding.place == requirement("sqlmodel==0.0.22", 2).span.place


def test_conflict_of_a_tool_is_silent():
    conflict = Conflict("pydantic", "2.14.0", "pydantic<2", "some-linter")
    assert find("ADB106", facts(conflicts=(conflict,))) == ()
