# ruff: noqa: E501 - reasons in tables: wrapped, nobody would find them
"""Sample URLs of providers, and what is made of what became of them."""

from __future__ import annotations

import pytest

from pytest_asyncdb.sandbox.record import ErrorRecord, SampleRecord, UrlRecord
from pytest_asyncdb.urls.parse import parse_url
from pytest_asyncdb.urls.sampled import failures, is_rewritten
from pytest_asyncdb.urls.samples import SAMPLES, naming

BY_NAME = {sample.provider: sample for sample in SAMPLES}


def record(sample, step="done", drivername="postgresql+asyncpg", error=None, **given):
    """What became of a sample whose address arrived and whose parameters were dropped, but for what is given."""
    url = parse_url(BY_NAME[sample].url)
    socket = url.parameter("host")
    parts = {
        "url": UrlRecord(drivername, url.username, has_password=True, host=url.host, database=url.database),
        "host": socket.value if socket else url.host or "",
        "user": url.username,
        "database": url.database,
        "error": ErrorRecord(*error) if error else None,
    }
    return SampleRecord(0, sample, step, **(parts | given))


def failed(*records):
    return {sample.provider: reason for sample, reason in failures(records).items()}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.provider)
def test_samples_are_urls_that_lead_nowhere(sample):
    url = parse_url(sample.url)
    assert url.password == "no-such-password"
    assert sample.url not in repr(sample)
    assert not sample.like or BY_NAME[sample.like].url.partition("://")[0] == sample.url.partition("://")[0]
    assert naming(sample.url, "asyncpg").startswith("postgresql+asyncpg://")


def test_those_of_the_same_form_share_a_result():
    left = ("sqlalchemy.exc.NoSuchModuleError", "Can't load plugin: sqlalchemy.dialects:postgres")
    found = failed(record("plain localhost"), record("Heroku", "make", "postgres", left))
    assert set(found) == {"Heroku", "Supabase (transaction pooler)"}
    assert found["Heroku"] == "`postgres://` is left as it is, which SQLAlchemy does not know"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, None),
        ({"step": "connect", "error": ("TypeError", "connect() got an unexpected keyword argument 'sslmode'")}, "connecting raises TypeError: "),
        ({"step": "make", "drivername": "postgresql", "error": ("ModuleNotFoundError", "No module named 'psycopg'")}, "which means a driver that is not installed"),
        ({"step": "make", "error": ("ModuleNotFoundError", "No module named 'asyncpg'")}, None),
        ({"step": "connect", "error": ("ssl.SSLCertVerificationError", "certificate verify failed")}, None),
        ({"step": "connect", "error": ("TimeoutError", "")}, None),
        ({"host": "None"}, "another host, `None`"),
        ({"user": "other"}, "another user"),
        ({"database": "other"}, "another database"),
        ({"password_kept": False}, "the password is changed"),
        ({"step": "call", "url": None, "error": ("ValueError", "no such scheme")}, "importing or calling it raises ValueError"),
    ],
)  # fmt: skip
def test_reasons(given, reason):
    found = failed(record("plain localhost"), record("Neon", **given))
    assert (reason in found["Neon"]) if reason else "Neon" not in found


def test_what_never_made_an_engine_is_not_judged():
    broken = {"step": "import", "url": None, "error": ("ValidationError", "SECRET_KEY is missing")}
    assert failed(record("plain localhost", **broken), record("Neon", **broken)) == {}


def test_a_socket_that_the_driver_spells_out_is_the_same():
    spelt = f"{record('Cloud SQL (socket)').host}/.s.PGSQL.5432"
    assert failed(record("plain localhost"), record("Cloud SQL (socket)", host=spelt)) == {}


def test_code_that_passes_the_url_on_is_no_helper():
    url = parse_url(BY_NAME["Neon"].url)
    query = tuple((one.name, one.value) for one in url.parameters)
    same = record("Neon", url=UrlRecord("postgresql", host=url.host, database=url.database, query=query))
    assert not is_rewritten([same])
    assert is_rewritten([record("Neon")])
    named = record("Neon", url=UrlRecord("postgresql+asyncpg", host=url.host, database=url.database, query=query))
    assert is_rewritten([named])
    assert not is_rewritten([named], "asyncpg")
    elsewhere = record("Neon", url=UrlRecord("postgresql+asyncpg", host="fixed.example"))
    assert not is_rewritten([elsewhere])
    by_chance = record("plain localhost", url=UrlRecord("postgresql+asyncpg", host="localhost", database="notes"))
    assert not is_rewritten([by_chance])
    assert failed(by_chance) == {}
