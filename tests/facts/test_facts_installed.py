from __future__ import annotations

import pytest
from packaging import markers, requirements, specifiers  # noqa: F401 - the path is changed before they are needed

from pytest_asyncdb.facts.dependencies import Conflict, Declared
from pytest_asyncdb.facts.environment import environment_of
from pytest_asyncdb.facts.installed import installed

APP = {"app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "app/__init__.py": ""}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Makes distributions importable, in a place of their own, the only one that is looked at."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr("sys.path", [str(folder)])
    environment_of.cache_clear()

    def add(name, version, *requires, extras=()):
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        lines = [
            "Metadata-Version: 2.4",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {one}" for one in requires),
            *(f"Provides-Extra: {one}" for one in extras),
        ]
        (info / "METADATA").write_text("\n".join(lines) + "\n\nRequires-Dist: not-in-the-description\n")

    yield add
    environment_of.cache_clear()


def stack(site, sqlalchemy):
    marker = 'greenlet>=1; platform_machine == "no-such" or extra == "asyncio"'
    site(
        "SQLAlchemy",
        sqlalchemy,
        "typing_extensions>=4.6",
        marker if sqlalchemy >= "2.1" else "greenlet>=1; python_version > '3'",
    )
    site("sqlmodel", "0.0.50", "SQLAlchemy<3,>=2")
    site("greenlet", "3.5")
    site("typing_extensions", "4.16")
    site("asyncpg", "0.32")
    site("pytest_asyncdb", "0.1", "sqlalchemy[asyncio]>=2", "asyncpg>=0.29")


@pytest.mark.parametrize(
    ("sqlalchemy", "requirement", "reaches"),
    [
        ("2.1.9", "sqlmodel", False),
        ("2.1.9", "sqlalchemy", False),
        ("2.1.9", "SQLAlchemy[asyncio]", True),
        ("2.1.9", "sqlmodel\ngreenlet", True),
        ("2.1.9", 'sqlalchemy[asyncio]; python_version < "3"', False),
        ("2.0.58", "sqlmodel", True),
    ],
)
def test_extras_and_markers_decide_what_is_reached(facts, site, sqlalchemy, requirement, reaches):
    stack(site, sqlalchemy)
    found = facts({**APP, "requirements.txt": requirement}).installed
    assert found.reaches("greenlet") is reaches
    assert found.brings("greenlet") == (() if reaches else ("pytest-asyncdb",))
    assert found.brings("asyncpg") == ("pytest-asyncdb",)
    assert found.version("sqlalchemy") == sqlalchemy
    assert not found.reaches("asyncpg")


def test_development_groups_reach_nothing(facts, site):
    stack(site, "2.1.9")
    files = {"requirements.txt": "sqlmodel", "requirements-dev.txt": "greenlet"}
    assert not facts({**APP, **files}).installed.reaches("greenlet")


def test_conflicts_inside_what_is_reached(facts, site):
    site("sqlmodel", "0.0.50", "sqlalchemy<2.1")
    site("sqlalchemy", "2.1.9")
    site("asyncpg", "0.32.0rc1")
    site("unrelated", "1", "sqlalchemy<1")
    about = facts({**APP, "requirements.txt": "fastapi\nsqlmodel\nasyncpg<0.31\n"})
    assert set(about.installed.conflicts) == {
        Conflict("asyncpg", "0.32.0rc1", "asyncpg<0.31", "requirements.txt:3:1"),
        Conflict("sqlalchemy", "2.1.9", "sqlalchemy<2.1", "sqlmodel"),
    }
    assert about.sqlalchemy() == (2, 1)


def test_what_the_tool_leads_to_is_known_with_all_its_extras(facts, site):
    site("pytest_asyncdb", "0.2", "SQLAlchemy>=2", 'Psycopg.Binary; extra == "psycopg"', extras=("psycopg", "docs"))
    site("sqlalchemy", "2.1.9", 'greenlet>=1; extra == "asyncio"')
    site("psycopg-binary", "3.2", "typing_extensions")
    site("typing_extensions", "4.12")
    site("greenlet", "3.5")
    known = installed(facts({**APP, "requirements.txt": "SQLAlchemy\n"}).declared)
    assert known.tool == {"pytest-asyncdb", "sqlalchemy", "psycopg-binary", "typing-extensions"}
    assert known.comes_with_the_tool("sqlalchemy")
    assert not known.comes_with_the_tool("greenlet")


def test_another_interpreter_answers_for_itself(tmp_path):
    import subprocess
    import sys

    other = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(other)], check=True)
    environment = environment_of(str(other / "bin" / "python"))
    assert any(path.startswith(str(other)) for path in environment.path)
    assert installed(Declared((), (), None), str(other / "bin" / "python")).distributions == ()


def test_an_interpreter_that_is_not_there_is_the_running_one():
    assert environment_of("/no/such/python") == environment_of("")
