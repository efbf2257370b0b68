"""Variables that pytest-env gives the tests."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

unsets = pytest.mark.skipif(Version(version("pytest-env")) < Version("1.3"), reason="it neither unsets nor reads files")

APP = """
import os
import sys

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

if os.environ.get("QUOKKA") != "smiles" or "STOPS" in os.environ:
    sys.exit(66)
engine = create_async_engine("postgresql+asyncpg://u:p@db/d")
app = FastAPI()
"""
TEST = """
import os
from main import app

def test_own():
    assert os.environ["TWICE"] == "onetwo"
"""
INI = """
[tool.pytest.ini_options]
pythonpath = ["."]
env = ["QUOKKA=smiles", "TWICE={TWICE}two", "D:KEPT=other", "R:RAW={x}"]
"""
TABLE = """
[tool.pytest.ini_options]
pythonpath = ["."]
[tool.pytest_env]
QUOKKA = "smiles"
TWICE = { value = "{TWICE}two", transform = true }
KEPT = { value = "other", skip_if_set = true }
"""
FILES = """
[tool.pytest.ini_options]
pythonpath = ["."]
env_files = ["tests.env"]
env = ["U:STOPS="]
"""
SQLITE = """
[pytest]
env = DATABASE_URL=sqlite+aiosqlite://
"""


@pytest.fixture
def needs_variables(new_project):
    new_project.write("main.py", APP)
    new_project.write("requirements.txt", "fastapi\nsqlalchemy[asyncio]\nasyncpg\nuvicorn\n")
    new_project.write("test_own.py", TEST)
    new_project.write("tests.env", "QUOKKA=smiles\nTWICE=onetwo\n")
    return new_project


@pytest.mark.parametrize("text", [INI, TABLE])
def test_the_app_has_them_and_the_tests_get_them_once(needs_variables, text):
    needs_variables.write("pyproject.toml", text)
    run = needs_variables.pytest("--asyncdb-check", TWICE="one", KEPT="1")
    assert run.code == 0, run.output
    run.says("as pytest-env sets them for the tests: QUOKKA", "TWICE")
    assert "KEPT" not in run.output


@unsets
def test_what_it_unsets_and_reads_from_files_counts(needs_variables):
    needs_variables.write("pyproject.toml", FILES)
    run = needs_variables.pytest("--asyncdb-check", STOPS="1")
    assert run.code == 0, run.output
    run.says("as pytest-env sets them for the tests: QUOKKA, STOPS")


def test_checks_alone_have_them_too(needs_variables):
    needs_variables.write("pyproject.toml", INI)
    run = needs_variables.pytest("--asyncdb-check", "-m", "asyncdb_check", TWICE="one")
    assert run.code == 0, run.output


def test_without_the_plugin_the_app_stops_as_the_tests_do(needs_variables):
    needs_variables.write("pyproject.toml", INI)
    run = needs_variables.pytest("--asyncdb-check", "-p", "no:env", TWICE="one")
    assert run.code == 1, run.output
    run.says("ADB207", "the project's tests were not run")


def test_what_it_can_not_set_is_told_in_its_own_turn(needs_variables):
    needs_variables.write("pyproject.toml", INI)
    run = needs_variables.pytest("--asyncdb-check")
    assert run.code == 4, run.output
    run.says("the project's tests were not run", "KeyError:", "'TWICE'")


def test_a_database_that_stands_in_for_postgres_is_left_to_the_tests(healthy):
    healthy.write("pytest.ini", SQLITE)
    healthy.write("tests/test_own.py", "import os\ndef test_own(): assert 'sqlite' in os.environ['DATABASE_URL']\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 0, run.output
    run.says("not taken from pytest-env, because it names sqlite: DATABASE_URL", "asyncpg")
