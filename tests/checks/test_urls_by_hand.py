"""ADB3xx on versions, combinations and boots that the examples cannot have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import SYNC_ENGINE, apply, engine, facts, find, module, written
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from pytest_asyncdb.model.finding import Confidence, Severity

V20 = {"sqlalchemy": "2.0.58", "asyncpg": "0.31.0"}
OF_URLS = ("ADB301", "ADB302", "ADB303", "ADB304", "ADB305")


def repaired(text, **given):
    """The URL after every safe fix of every check of URLs."""
    found = [f for check_id in OF_URLS for f in find(check_id, facts(engines=(engine(text),), **given))]
    return apply(text, [fix for finding in found for fix in finding.fixes if fix.safe])


@pytest.mark.parametrize("versions", [V20, {}], ids=["2.0", "2.1"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+psycopg2://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql://u@h/d?sslmode=require&channel_binding=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        (
            "postgresql://u@h/d?channel_binding=require&sslmode=verify-full",
            "postgresql+asyncpg://u@h/d?ssl=verify-full",
        ),
        ("postgresql+asyncpg://u@h/d?channel_binding=require&gssencmode=disable", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d?ssl=require&sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql+asyncpg://u@h/d?sslmode=require&requiressl=1", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql+asyncpg://u@h/d?ssl=false", "postgresql+asyncpg://u@h/d?ssl=disable"),
    ],
)
def test_all_layers_are_repaired_at_once(before, after, versions):
    assert repaired(before, versions=versions) == after
    assert repaired(after, versions=versions) == after


@pytest.mark.parametrize(
    "fine",
    [
        "postgresql+asyncpg://u@h/d?ssl=verify_full&command_timeout=5&prepared_statement_cache_size=0",
        "postgresql+asyncpg://u@/d?host=h1:5432&host=h2:5432&target_session_attrs=read-write",
        "postgresql+asyncpg://u@h/d?sslmode=",
        "postgresql+psycopg://u@h/d?sslmode=require&channel_binding=require",
    ],
)
def test_what_works_is_silent(fine):
    given = facts(engines=(engine(fine),), requirements=("sqlalchemy[asyncio]", "asyncpg", "psycopg"))
    assert [f for check_id in OF_URLS for f in find(check_id, given)] == []


def test_bare_scheme_follows_the_version_and_the_declared_driver():
    bare = engine("postgresql://u@h/d?sslmode=require")
    declares_psycopg = {"requirements": ("sqlalchemy[asyncio]", "psycopg"), "engines": (bare,)}
    assert find("ADB301", facts(**declares_psycopg)) == ()
    assert find("ADB303", facts(**declares_psycopg)) == ()
    [old] = find("ADB301", facts(**declares_psycopg, versions=V20))
    assert "`psycopg2`" in old.message
    assert old.fixes[0].changes[0].text == "postgresql+psycopg"


def test_installed_psycopg_that_is_not_declared_does_not_count():
    given = facts(engines=(engine("postgresql://u@h/d"),), versions={"psycopg": "3.3.9"})
    assert "`psycopg`, which is not declared" in find("ADB301", given)[0].message


def test_sync_half_of_psycopg_under_async_engine():
    wrapped = engine("postgresql+psycopg://u@h/d", function="sqlmodel.create_engine")
    given = facts(engines=(wrapped,), requirements=("psycopg",))
    assert find("ADB301", given)[0].fixes[0].changes[0].text == "postgresql+psycopg_async"


def test_url_read_by_a_sync_engine_too_is_not_changed_by_itself():
    text = "postgresql://u@h/d?sslmode=require"
    sync = engine(text, function=SYNC_ENGINE, is_async=False, role="migration")
    given = facts(engines=(engine(text), sync))
    fixes = [fix for check_id in ("ADB301", "ADB303") for f in find(check_id, given) for fix in f.fixes]
    assert [fix.safe for fix in fixes] == [False, False]


@pytest.mark.parametrize("function", ["asyncpg.create_pool", "psycopg_pool.AsyncConnectionPool"])
def test_urls_of_the_driver_itself_are_silent(function):
    raw = engine("postgres://u@h/d?sslmode=require&timeout=3", function=function)
    assert [f for check_id in OF_URLS for f in find(check_id, facts(engines=(raw,)))] == []


@pytest.mark.parametrize("role", ["test", "migration", "script"])
def test_only_engines_of_the_app_count(role):
    given = facts(engines=(engine("postgres://u@h/d?sslmode=require&ssl=1&timeout=3", role=role),))
    assert [f for check_id in OF_URLS for f in find(check_id, given)] == []


def test_url_that_went_through_code_unseen_is_likely_only():
    given = facts(engines=(engine("postgresql://u@h/d?sslmode=require", certain=False),))
    found = [f for check_id in ("ADB301", "ADB303") for f in find(check_id, given)]
    assert {f.confidence for f in found} == {Confidence.LIKELY}


def test_url_put_together_by_code_is_reported_at_the_engine_without_an_edit():
    given = facts(engines=(engine("postgresql+asyncpg://u@h/d?sslmode=require", in_file=False),))
    [finding] = find("ADB303", given)
    assert (finding.place.path, finding.fixes) == ("src/db.py", ())


def test_parameter_for_connect_args_says_exactly_what_to_pass():
    text = "postgresql+asyncpg://u@h/d?connect_timeout=10&application_name=shop&pool_size=5&sslrootcert=/ca.pem"
    found = find("ADB303", facts(engines=(engine(text),)))
    texts = [f.root_cause for f in found]
    assert "`connect_args={'timeout': 10.0}`" in texts[0]
    assert "`connect_args={'server_settings': {'application_name': 'shop'}}`" in texts[1]
    assert "`pool_size=5`" in texts[2]
    assert "SSLContext" in texts[3]
    assert not any(f.fixes for f in found)


def test_parameter_that_a_version_of_asyncpg_takes():
    text = "postgresql+asyncpg://u@h/d?krbsrvname=postgres&async_fallback=true"
    assert [f.message.split("`")[1] for f in find("ADB303", facts(engines=(engine(text),)))] == []
    old = facts(engines=(engine(text),), versions={"sqlalchemy": "2.0.58", "asyncpg": "0.29.0"})
    assert [f.message.split("`")[1] for f in find("ADB303", old)] == ["krbsrvname"]


def test_true_is_a_question_and_no_safe_fix():
    given = facts(engines=(engine("postgresql+asyncpg://u@h/d?ssl=true"),))
    [fix] = find("ADB304", given)[0].fixes
    assert (fix.safe, fix.changes[0].text) == (False, "ssl=require")


@hypothesis_given(
    st.lists(
        st.sampled_from(
            ["sslmode=require", "channel_binding=require", "gssencmode=disable", "ssl=prefer", "command_timeout=5"]
        ),
        unique=True,
    )
)
def test_edits_of_one_query_always_fit_together(parameters):
    query = "?" + "&".join(parameters) if parameters else ""
    after = repaired(f"postgresql+asyncpg://u@h/d{query}")
    address, _, rest = after.partition("?")
    assert address == "postgresql+asyncpg://u@h/d"
    expected = {"command_timeout=5"} & set(parameters)
    expected |= {"ssl=prefer"} & set(parameters) or ({"ssl=require"} if "sslmode=require" in parameters else set())
    assert sorted(rest.split("&") if rest else []) == sorted(expected)
    assert after.endswith("?") is False


@pytest.mark.parametrize(
    ("host", "severity"),
    [
        ("x.pooler.supabase.com:6543", Severity.LATENT),
        ("pgbouncer:6432", Severity.ADVICE),
        ("x.pooler.supabase.com:5432", None),
        ("ep-x-1-pooler.eu-central-1.aws.neon.tech", None),
        ("db", None),
    ],
)
def test_pooler_needs_its_settings(host, severity):
    found = find("ADB306", facts(engines=(engine(f"postgresql+asyncpg://u@{host}/d"),)))
    assert [f.severity for f in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("pgbouncer:6432", "the engine goes through PgBouncer without"),
        ("localhost:6432", "the engine goes through port 6432, which is PgBouncer's usual one, without"),
    ],
)
def test_a_port_alone_is_no_proof_of_a_pooler(host, said):
    [finding] = find("ADB306", facts(engines=(engine(f"postgresql+asyncpg://u@{host}/d"),)))
    assert finding.message.startswith(said)


def test_pooler_settings_are_complete_or_named():
    text = "postgresql+asyncpg://u@x.pooler.supabase.com:6543/d"
    both = (("statement_cache_size", "0"), ("prepared_statement_cache_size", "0"))
    assert find("ADB306", facts(engines=(engine(text, connect_args=both),))) == ()
    assert (
        find("ADB306", facts(engines=(engine(f"{text}?prepared_statement_cache_size=0", connect_args=both[:1]),))) == ()
    )
    assert find("ADB306", facts(engines=(engine(text, connect_args_known=False),))) == ()
    [half] = find("ADB306", facts(engines=(engine(text, connect_args=both[:1]),)))
    assert "`prepared_statement_cache_size`" in half.message
    old = facts(engines=(engine(text, connect_args=both),), versions={"asyncpg": "0.30.0"})
    assert "`prepared_statement_name_func`" in find("ADB306", old)[0].message


def test_startup_parameters_of_poolers():
    text = "postgresql+asyncpg://u@ep-x-1-pooler.eu.aws.neon.tech/d"
    settings = (("server_settings", "{'jit': 'off', 'application_name': 'shop'}"),)
    [finding] = find("ADB307", facts(engines=(engine(text, connect_args=settings),)))
    assert "`jit`" in finding.message
    assert "application_name" not in finding.message
    assert find("ADB307", facts(engines=(engine("postgresql+asyncpg://u@db/d", connect_args=settings),))) == ()


@pytest.mark.parametrize(
    ("host", "given", "reported"),
    [
        ("db.acme.io", {"tracked": True, "placeholder": False}, True),
        ("db.acme.io", {"tracked": False, "placeholder": False}, False),
        ("db.acme.io", {"tracked": True, "placeholder": True}, False),
        ("localhost", {"tracked": True, "placeholder": False}, False),
        ("db", {"tracked": True, "placeholder": False}, False),
        ("db.example.com", {"tracked": True, "placeholder": False}, False),
        ("127.0.0.1", {"tracked": True, "placeholder": False}, False),
    ],
)
def test_secret_in_a_tracked_file(host, given, reported):
    found = find("ADB308", facts(urls=(written(f"postgresql://u:Zk4w9Qp2@{host}/d", **given),)))
    assert bool(found) is reported
    assert not any("Zk4w9Qp2" in text for f in found for text in (f.message, f.root_cause))


def test_a_url_that_code_puts_together_is_not_in_the_source():
    unread = written("postgresql://u@h/d", kind="compose")
    whole, template = (written(f"postgresql+asyncpg://u@{host}/d", kind="python") for host in ("db", "{HOST}"))
    for literal, count in ((replace(whole, masked=""), 1), (replace(template, masked="{HOST}"), 0)):
        one = engine()
        found = find(
            "ADB310", facts(engines=(replace(one, url=replace(one.url, written=literal)),), unread_variables=(unread,))
        )
        assert len(found) == count


def test_an_undeclared_package_is_not_told_where_something_absent_may_bring_it():
    env = module("migrations.env", ("alembic", "context"), role="migration")
    [sure] = find("ADB108", facts(modules=(env,)))
    assert (sure.confidence, sure.place.path) == (Confidence.CERTAIN, "requirements.txt")
    [unsure] = find("ADB108", facts(modules=(env,), requirements=("sqlalchemy[asyncio]", "asyncpg", "fastapi")))
    assert unsure.confidence is Confidence.LIKELY
    for more in (
        {"requirements": ("asyncpg", "advanced-alchemy")},
        {"development": ("alembic",)},
        {"reached": {"alembic"}},
    ):
        assert find("ADB108", facts(modules=(env,), **more)) == ()
