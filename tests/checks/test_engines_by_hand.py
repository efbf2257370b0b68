# ruff: noqa: E501 - URLs in tables: wrapped, nobody would recognise them
"""ADB3xx and ADB4xx about engines and URL helpers: versions and boots that the examples cannot have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import SYNC_ENGINE, apply, boot, engine, facts, find, written

from pytest_asyncdb.facts.deployment import ComposeDatabase
from pytest_asyncdb.facts.feeds import UrlHelper, UrlTrial
from pytest_asyncdb.facts.project import HeldTransaction
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import ErrorRecord, SampleRecord, UrlRecord
from pytest_asyncdb.sandbox.request import TrialRequest
from pytest_asyncdb.urls.parse import parse_url
from pytest_asyncdb.urls.samples import SAMPLES

V20 = {"sqlalchemy": "2.0.58", "asyncpg": "0.31.0"}


@pytest.mark.parametrize(
    ("requirement", "versions", "severity", "confidence"),
    [
        ("sqlalchemy[asyncio]", {}, Severity.BLOCKS, Confidence.CERTAIN),
        ("sqlalchemy[asyncio]", V20, Severity.LATENT, Confidence.LIKELY),
        ("sqlalchemy[asyncio]<2.1", V20, None, None),
    ],
)
def test_async_fallback_is_judged_by_the_version_that_production_gets(requirement, versions, severity, confidence):
    text = "postgresql+asyncpg://u@h/d?async_fallback=True"
    given = facts(engines=(engine(text),), versions=versions, requirements=(requirement, "asyncpg"))
    found = find("ADB309", given)
    assert [(one.severity, one.confidence) for one in found] == ([(severity, confidence)] if severity else [])
    assert [apply(text, one.fixes) for one in found] == ["postgresql+asyncpg://u@h/d"] * len(found)


def test_async_fallback_of_a_migration_does_not_stop_the_app_and_is_no_edit():
    sync = engine(
        "postgresql+asyncpg://u@h/d?async_fallback=True", function=SYNC_ENGINE, is_async=False, role="migration"
    )
    [finding] = find("ADB309", facts(engines=(sync,)))
    assert (finding.severity, finding.fixes) == (Severity.LATENT, ())
    assert "sync driver" in finding.root_cause


TLS = {"connect_args": (("ssl", "True"),)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql+asyncpg://u@localhost/d", "`localhost`"),
        ("postgresql+asyncpg://u@shop.abc.eu-west-1.rds.amazonaws.com/d", "Amazon RDS"),
        ("postgresql+asyncpg://u@aws-0-eu-central-1.pooler.supabase.com/d", "Supabase"),
        ("postgresql+asyncpg://u@HOST/d?sslmode=require", "`require`"),
        ("postgresql+asyncpg://u@ep-x.eu-central-1.aws.neon.tech/d?sslmode=require", None),
        ("postgresql+asyncpg://u@HOST/d?sslmode=verify-full", None),
        ("postgresql+asyncpg://u@HOST/d", None),
        ("postgresql+psycopg://u@localhost/d", None),
    ],
)
def test_verified_tls_is_reported_where_the_server_cannot_have_it(text, said):
    given = facts(engines=(engine(text, **TLS),), requirements=("sqlalchemy[asyncio]", "asyncpg", "psycopg"))
    found = find("ADB311", given)
    assert [said in one.message for one in found] == ([True] if said else [])


def test_verified_tls_and_the_postgres_of_the_compose_file():
    named = engine("postgresql+asyncpg://u@db/d", **TLS)
    plain = ComposeDatabase("db", Place("compose.yaml", 3), tls=False)
    [finding] = find("ADB311", facts(engines=(named,), compose_databases=(plain,)))
    assert "`db` of compose.yaml:3" in finding.message
    assert find("ADB311", facts(engines=(named,), compose_databases=(replace(plain, tls=True),))) == ()
    context = engine("postgresql+asyncpg://u@db/d", connect_args=(("ssl", "ssl.create_default_context()"),))
    assert len(find("ADB311", facts(engines=(context,), compose_databases=(plain,)))) == 1
    own = engine("postgresql+asyncpg://u@db/d", connect_args=(("ssl", "ssl.create_default_context(cafile=CA)"),))
    assert find("ADB311", facts(engines=(own,), compose_databases=(plain,))) == ()


def trial(*failing, hosting=(), engines=1, **given):
    """A helper that fails for these providers alone."""
    request = TrialRequest("db", "", "db.py", ("DATABASE_URL",))
    helper = UrlHelper("DATABASE_URL", Place("src/db.py", 3), Place("src/db.py", 9), request)
    error = ErrorRecord("TypeError", "connect() got an unexpected keyword argument 'sslmode'")
    results = []
    for sample in SAMPLES:
        url = parse_url(sample.url)
        seen = UrlRecord("postgresql+asyncpg", host=url.host, database=url.database)
        step, why = ("connect", error) if sample.provider in failing else ("done", None)
        results.append(SampleRecord(0, sample.provider, step, url=seen, error=why))
    trials = (UrlTrial(helper, tuple(results)),) * engines
    return facts(url_trials=trials, hosting=frozenset(hosting), **given)


@pytest.mark.parametrize(
    ("failing", "hosting", "severity", "confidence"),
    [
        (("Neon", "DigitalOcean"), (), Severity.ADVICE, Confidence.LIKELY),
        (("Neon", "DigitalOcean"), ("digitalocean",), Severity.LATENT, Confidence.CERTAIN),
        (("plain localhost",), (), Severity.LATENT, Confidence.CERTAIN),
        (("Neon", "Neon (pooled)"), (), None, None),
        (("Neon", "Neon (pooled)"), ("neon.tech",), Severity.LATENT, Confidence.CERTAIN),
        (("Cloud SQL (socket)", "Azure (single server)"), (), None, None),
        ((), ("heroku",), None, None),
    ],
)
def test_a_helper_is_judged_by_the_providers_that_the_project_names(failing, hosting, severity, confidence):
    found = find("ADB313", trial(*failing, hosting=hosting))
    assert [(one.severity, one.confidence) for one in found] == ([(severity, confidence)] if severity else [])
    for one in found:
        assert failing[0] in one.root_cause
        assert str(one.place) == "src/db.py:3"


def test_a_plain_url_is_no_fault_where_the_project_writes_the_driver():
    urls = (written("postgresql+asyncpg://u@h/d", kind="env-example"),)
    [finding] = find("ADB313", trial("plain localhost", "Heroku", urls=urls))
    assert finding.severity is Severity.ADVICE


def test_a_helper_that_feeds_several_engines_is_told_once():
    assert len(find("ADB313", trial("plain localhost", engines=2))) == 1


def of_objects(*messages):
    request = TrialRequest("db", "", "db.py", ("DATABASE_URL",))
    helper = UrlHelper("DATABASE_URL", Place("src/db.py", 3), Place("src/db.py", 9), request)
    made = [SampleRecord(0, "Neon", "make", error=ErrorRecord("sqlalchemy.exc.ArgumentError", one)) for one in messages]
    return (UrlTrial(helper, tuple(made)),) * 2


NO_URL = "Expected string or URL object, got "


def test_an_object_that_no_engine_takes_is_told_whatever_the_url():
    first, second = of_objects(f"{NO_URL}PostgresDsn('postgresql://a')", f"{NO_URL}PostgresDsn('postgresql://b')")
    refused = SampleRecord(0, "Cloud SQL (socket)", "import", error=ErrorRecord("ValidationError", "empty host"))
    trials = (replace(first, results=(*first.results, refused)), second)
    [finding] = find("ADB313", facts(url_trials=trials, boot=boot()))
    assert finding.message == "`DATABASE_URL`, once it is set, comes to the engine of db.py:9 as a `PostgresDsn`"
    assert (finding.severity, finding.confidence) == (Severity.LATENT, Confidence.CERTAIN)


@pytest.mark.parametrize(
    ("messages", "booted"),
    [
        ((f"{NO_URL}PostgresDsn('x')",), boot(ErrorRecord("ArgumentError", f"{NO_URL}PostgresDsn('x')"))),
        ((f"{NO_URL}None",), boot()),
        ((f"{NO_URL}PostgresDsn('x')", "SECRET_KEY is missing"), boot()),
    ],
    ids=["the app fails at it", "not set", "another reason"],
)
def test_an_object_that_is_told_elsewhere_or_not_always_there_is_not(messages, booted):
    with pytest.raises(NotJudgedError, match="made no engine"):
        find("ADB313", facts(url_trials=of_objects(*messages), boot=booted))


def test_a_helper_that_made_no_engine_is_not_judged():
    request = TrialRequest("db", "", "db.py", ("DATABASE_URL",))
    helper = UrlHelper("DATABASE_URL", Place("src/db.py", 3), Place("src/db.py", 9), request)
    broken = SampleRecord(0, "Neon", "import", error=ErrorRecord("ValueError", "SECRET_KEY is missing"))
    with pytest.raises(NotJudgedError, match=r"src/db\.py:3 made no engine: ValueError: SECRET_KEY"):
        find("ADB313", facts(url_trials=(UrlTrial(helper, (broken,)),)))


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("postgresql+asyncpg://u@h/d", {"sslmode": "'require'", "keepalives": "1"}, "`asyncpg` takes no `keepalives` or `sslmode`"),
        ("postgresql+asyncpg://u@h/d", {"check_same_thread": "False"}, "`check_same_thread`"),
        ("postgresql+asyncpg://u@h/d", {"server_settings": "{'jit': False, 'search_path': 'a'}"}, "`jit` in `server_settings`"),
        ("postgresql+asyncpg://u@h/d", {"ssl": "True", "timeout": "5", "statement_cache_size": "0"}, None),
        ("postgresql+asyncpg://u@h/d", {"server_settings": "{'jit': 'off', 'statement_timeout': '5000'}"}, None),
        ("postgresql+psycopg://u@h/d", {"ssl": "True"}, "`psycopg` takes no `ssl`"),
        ("postgresql+psycopg_async://u@h/d", {"server_settings": "{}"}, "`server_settings`"),
        ("postgresql+psycopg://u@h/d", {"sslmode": "'require'", "prepare_threshold": "None", "autocommit": "True"}, None),
        ("sqlite+aiosqlite://", {"check_same_thread": "False"}, None),
        ("postgresql://u@h/d", {"sslmode": "'require'"}, None),
    ],
)  # fmt: skip
def test_connect_args_of_another_driver(text, arguments, said):
    made = engine(text, connect_args=tuple(arguments.items()))
    found = find("ADB404", facts(engines=(made,)))
    assert [said in one.message for one in found] == ([True] if said else [])
    for unsure in (
        replace(made, connect_args_known=False),
        replace(made, url=replace(made.url, certain=False)),
        replace(made, role="test"),
    ):
        assert find("ADB404", facts(engines=(unsure,))) == ()


@pytest.mark.parametrize(
    ("driver", "level", "is_known"),
    [
        ("asyncpg", "'SNAPSHOT'", False),
        ("asyncpg", "'READ UNCOMMITTED'", False),
        ("psycopg", "'read_uncommitted'", True),
        ("asyncpg", "'read committed'", True),
        ("asyncpg", "'AUTOCOMMIT'", True),
        ("asyncpg", "settings.level", True),
        ("asyncpg", "None", True),
    ],
)
def test_isolation_levels(driver, level, is_known):
    made = engine(f"postgresql+{driver}://u@h/d", options=(("isolation_level", level),))
    assert len(find("ADB405", facts(engines=(made,)))) == (not is_known)


@pytest.mark.parametrize(
    ("url", "requirements", "number"),
    [
        ("postgresql+asyncpg://u@h/d", ("sqlalchemy", "asyncpg"), 1),
        ("sqlite+aiosqlite:///d", ("sqlalchemy", "aiosqlite"), 0),
        ("sqlite+aiosqlite:///d", ("sqlalchemy", "aiosqlite", "asyncpg"), 1),
        ("mysql+aiomysql://u@h/d", ("sqlalchemy", "aiomysql"), 0),
    ],
)
def test_a_startup_transaction_of_another_database_is_not_reported(url, requirements, number):
    held = (HeldTransaction("lifespan", Place("main.py", 8), Place("main.py", 6), None),)
    given = facts(engines=(engine(url),), requirements=requirements, held_transactions=held)
    assert len(find("ADB719", given)) == number
