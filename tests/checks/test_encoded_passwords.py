"""ADB315 on sources: which calls take a password as it is, and what the fix leaves."""

from __future__ import annotations

import pytest

from pytest_asyncdb import registry
from pytest_asyncdb.facts import Facts
from pytest_asyncdb.fixes import apply
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.sources.project import Project

HEAD = """\
import os, urllib.parse
import asyncpg
import psycopg
from urllib.parse import quote, quote_plus
from pydantic import PostgresDsn
from sqlalchemy import URL
from sqlalchemy.engine import URL as U
password = os.environ["DB_PASSWORD"]
name = os.environ["DB_DIALECT"]
"""


@pytest.fixture
def judge(tmp_path):
    def run(code, path="db.py", head=HEAD):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(f"{head}made = {code}\n")
        project = Project(tmp_path)
        facts = Facts(project, Settings(tmp_path), None, lambda: (None, "not booted"))
        found = registry.load(["ADB315"])[0].run(facts)
        texts = apply([fix for one in found for fix in one.fixes], project.text)
        return found, texts.get(path, "")

    return run


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        ("URL.create('postgresql', password=quote_plus(password))", "URL.create('postgresql', password=password)"),
        ("URL.create('postgresql', 'shop', quote(password, safe=''))", "URL.create('postgresql', 'shop', password)"),
        ("U.create(name, password=urllib.parse.quote(password))", "U.create(name, password=password)"),
        (
            "URL.create(drivername='postgres', username=quote('a@b'))",
            "URL.create(drivername='postgres', username='a@b')",
        ),
        (
            "asyncpg.connect(user='shop', password=quote_plus(password))",
            "asyncpg.connect(user='shop', password=password)",
        ),
        ("asyncpg.create_pool(password=quote_plus(password))", "asyncpg.create_pool(password=password)"),
        ("psycopg.connect(password=quote(password))", "psycopg.connect(password=password)"),
    ],
)
def test_what_takes_a_password_as_it_is(judge, code, fixed):
    (finding,), text = judge(code)
    assert (finding.severity, finding.confidence) == (Severity.LATENT, Confidence.CERTAIN)
    assert text.endswith(f"made = {fixed}\n")


def test_user_and_password_are_two_findings(judge):
    found, text = judge("URL.create('postgresql', username=quote(name), password=quote(password))")
    assert [one.place.column for one in found] == [33, 55]
    assert text == f"{HEAD}made = URL.create('postgresql', username=name, password=password)\n"


@pytest.mark.parametrize(
    "code",
    [
        "URL.create('postgresql', password=password)",
        "URL.create('mysql+aiomysql', password=quote_plus(password))",
        "URL.create('postgresql', database=quote(name))",
        "URL.create('postgresql', password=password.strip())",
        "PostgresDsn.build(scheme='postgresql', password=quote_plus(password))",
        "f'postgresql://shop:{quote_plus(password)}@localhost/shop'",
        "connect(password=quote_plus(password))",
    ],
)
def test_what_is_right_or_takes_a_text(judge, code):
    assert judge(code)[0] == ()


def test_in_tests_it_is_advice(judge):
    (finding,), _ = judge("URL.create('postgresql', password=quote(password))", "tests/conftest.py")
    assert finding.severity is Severity.ADVICE


def test_an_import_that_nothing_else_needs_goes_too(judge):
    head = HEAD.replace("import quote, quote_plus", "import quote_plus")
    _, text = judge("URL.create('postgresql', password=quote_plus(password))", head=head)
    assert "urllib.parse import" not in text
    assert text == head.replace("from urllib.parse import quote_plus\n", "") + (
        "made = URL.create('postgresql', password=password)\n"
    )


@pytest.mark.parametrize(
    "value",
    ["'fish&chips'", "os.getenv('DB_PASSWORD', 'fish&chips')", "password or 'fish&chips'", "\n  password + '&'"],
)
def test_nothing_but_a_name_is_shown(judge, value):
    (finding,), text = judge(f"URL.create('postgresql', password=quote({value}, safe='x'))")
    assert finding.message == "`URL.create` gets an encoded password, and takes it as it is"
    assert finding.fixes[0].title == "Hand over the password itself"
    assert text.endswith(f"password={value.strip()})\n")


def test_a_call_of_several_lines_is_not_shown(judge):
    (finding,), text = judge("URL.create('postgresql', password=quote(  # for the URL\n  password\n))")
    assert finding.message == "`URL.create` gets an encoded password, and takes it as it is"
    assert finding.fixes[0].title == "Hand over `password`"
    assert text.endswith("password=password)\n")


@pytest.mark.parametrize("value", ["kept := password", "each for each in password", "password.encode()"])
def test_what_cannot_stand_without_the_call_has_no_fix(judge, value):
    (finding,), _ = judge(f"URL.create('postgresql', password=quote({value}))")
    assert finding.fixes == ()
