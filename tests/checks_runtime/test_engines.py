from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from booted_by_hand import PATH, boot, engine, error, facts, failed, module_of

from pytest_asyncdb import fixes
from pytest_asyncdb.facts.engines import EngineUrl
from pytest_asyncdb.model.errors import one_line
from pytest_asyncdb.model.finding import Evidence
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import ProbeRecord

ARGUMENT = "sqlalchemy.exc.ArgumentError"
TYPE = "TypeError"
DRIVER = "from sqlalchemy.ext.asyncio import create_async_engine\n"


def probed(problem, *, driver="asyncpg", **more):
    return engine(probe=ProbeRecord(ok=False, error=problem), driver=driver, **more)


def with_url(made, *parameters):
    url = EngineUrl("postgresql+asyncpg", "h", "5432", "d", "u", tuple(parameters), Place(".env", 2), certain=True)
    return dataclasses.replace(made, url=url)


def test_the_error_of_the_probe_is_told_at_the_engine(judge):
    problem = error(ARGUMENT, "Invalid value 'READ' for isolation_level.\nValid ones are ...")
    (finding,) = judge("ADB401", facts(engines=(probed(problem),)))
    assert (finding.place, finding.evidence) == (Place(PATH, 18, 1), Evidence.RUNTIME)
    assert finding.message.endswith("cannot connect: ArgumentError: Invalid value 'READ' for isolation_level")


@pytest.mark.parametrize(
    "problem",
    [
        error("ModuleNotFoundError", "No module named 'asyncpg'"),
        error("ValueError", "the greenlet library is required to use this function. No module named 'greenlet'"),
        error(TYPE, "connect() got an unexpected keyword argument 'sslmode'"),
        error(TYPE, "'<' not supported between instances of 'str' and 'int'"),
        error("asyncpg.exceptions.ClientConfigurationError", "`sslmode` parameter must be one of: disable, allow"),
    ],
    ids=["driver", "greenlet", "parameter", "number", "ssl"],
)
def test_what_other_checks_explain_is_left_to_them(judge, problem):
    made = with_url(probed(problem), ("sslmode", "require"), ("ssl", "true"), ("statement_cache_size", "0"))
    assert judge("ADB401", facts(engines=(made,))) == ()


def test_a_connect_argument_is_no_parameter_of_the_url(judge):
    made = with_url(probed(error(TYPE, "connect() got an unexpected keyword argument 'sslmode'")), ("ssl", "require"))
    assert len(judge("ADB401", facts(engines=(dataclasses.replace(made, url=None),)))) == 1


def test_parameters_for_psycopg_have_no_check_of_their_own(judge):
    problem = error("sqlalchemy.exc.ProgrammingError", 'invalid connection option "ssl"')
    assert len(judge("ADB401", facts(engines=(with_url(probed(problem, driver="psycopg"), ("ssl", "require")),)))) == 1


def test_certificates_are_not_judged(judge):
    problem = error("ssl.SSLCertVerificationError", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert "certificate" in judge("ADB401", facts(engines=(probed(problem),)))
    both = facts(engines=(probed(problem), probed(error(TYPE, "connect_args"))))
    assert len(judge("ADB401", both)) == 1


def test_engines_of_tests_are_not_the_apps(judge):
    assert judge("ADB401", facts(engines=(probed(error(TYPE, "no"), role="test"),))) == ()


def test_without_a_boot_nothing_can_be_said(judge):
    assert judge("ADB401", facts(boot=None, no_boot="no app was found")) == "no app was found"
    assert judge("ADB401", facts()) == ()


QUEUE = f"""{DRIVER}from sqlalchemy.pool import QueuePool

engine = create_async_engine(
    "postgresql+asyncpg://",
    poolclass=QueuePool,
    pool_size=5,
)
"""
NULL = f"""{DRIVER}from sqlalchemy.pool import NullPool

engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, pool_size=5, max_overflow=1)
"""


def test_a_pool_for_threads_is_deleted_with_its_import(judge):
    made = engine(text=QUEUE)
    (finding,) = judge("ADB402", facts(engines=(made,), modules=(module_of(QUEUE),), boot=None))
    assert (finding.evidence, finding.fixes[0].safe) == (Evidence.STATIC, True)
    gone = ("    poolclass=QueuePool,\n", "from sqlalchemy.pool import QueuePool\n")
    assert fixes.apply(finding.fixes, lambda _: QUEUE)[PATH] == QUEUE.replace(gone[0], "").replace(gone[1], "")


@pytest.mark.parametrize(("version", "number"), [("2.0.27", 0), ("2.0.28", 1), ("2.0.58", 1), ("2.1.9", 1)])
def test_a_pool_for_threads_is_refused_since_2_0_28(judge, version, number):
    given = facts(engines=(engine(text=QUEUE),), boot=None, versions={"sqlalchemy": version})
    assert len(judge("ADB402", given)) == number


def test_sizes_of_a_pool_without_size(judge):
    (finding,) = judge("ADB402", facts(engines=(engine(text=NULL),), boot=None))
    assert "'pool_size','max_overflow'" in finding.message
    assert not finding.fixes[0].safe
    after = fixes.apply(finding.fixes, lambda _: NULL)[PATH]
    assert after == NULL.replace(", pool_size=5, max_overflow=1", "")


def test_sizes_beside_a_pool_that_a_condition_decides_on_are_no_fault(judge):
    made = engine(text=NULL)
    default = replace(made.pools[0], name="")
    assert judge("ADB402", facts(engines=(replace(made, pools=(made.pools[0], default)),), boot=None)) == ()


def test_what_the_boot_saw_is_told_once_and_as_it_was(judge):
    said = "Pool class QueuePool cannot be used with asyncio engine"
    problem = error(ARGUMENT, f"{said} (Background on this error at: https://sqlalche.me/e/21/pcls)")
    given = facts(engines=(engine(text=QUEUE, error=problem),), boot=boot())
    (finding,) = judge("ADB402", given)
    assert finding.evidence is Evidence.BOTH
    assert finding.message == f"making `engine` raises ArgumentError: {said}"


def test_an_engine_that_was_made_has_no_fault(judge):
    assert judge("ADB402", facts(engines=(engine(text=NULL, driver="asyncpg"),))) == ()


@pytest.mark.parametrize(
    "problem",
    [
        error("ModuleNotFoundError", "No module named 'psycopg2'"),
        error("sqlalchemy.exc.NoSuchModuleError", "Can't load plugin: sqlalchemy.dialects:postgres"),
        error("sqlalchemy.exc.InvalidRequestError", "The asyncio extension requires ... 'psycopg2' is not async."),
    ],
)
def test_drivers_and_schemes_are_left_to_their_checks(judge, problem):
    assert judge("ADB402", facts(engines=(engine(error=problem),))) == ()


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("(sqlalchemy.dialects.postgresql.asyncpg.Error) no dict.\n(Background on this error at: x)", "no dict"),
        ("(sqlalchemy.dialects.postgresql.asyncpg.Error) <class 'asyncpg.exceptions.DataError'>: bad\nHINT: x", "bad"),
        ("plain (as it is)", "plain (as it is)"),
        ("word " * 60, ("word " * 22).strip() + " …"),
    ],
)
def test_errors_are_told_in_one_line_without_wrapping(message, line):
    assert one_line(error("some.Error", message)) == f"Error: {line}"


def test_an_error_without_a_message_is_told_by_its_name():
    assert one_line(error("builtins.KeyboardInterrupt")) == "KeyboardInterrupt"
    assert one_line(None) == "no reason is known"


def test_one_call_that_makes_many_engines_is_told_once(judge):
    problem = error(TYPE, "no")
    assert len(judge("ADB401", facts(engines=(probed(problem), probed(problem))))) == 1
    assert len(judge("ADB402", facts(engines=(engine(error=problem), engine(error=problem))))) == 1
    assert len(judge("ADB710", facts(engines=(engine(open_after_shutdown=1), engine(open_after_shutdown=2))))) == 1


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            error("sqlalchemy.exc.ArgumentError", "Expected string or URL object, got None", place=Place(PATH, 18, 1)),
            "the database URL `DATABASE_URL` is `None`, so its setting is not set, and the import fails without it",
        ),
        (
            error("ValueError", "invalid literal for int() with base 10: 'None'", place=Place(PATH, 18, 1)),
            "the database URL `DATABASE_URL` holds `None`, so its setting is not set, and the import fails without it",
        ),
    ],
)
def test_url_that_is_not_set_is_told_once(judge, problem, said):
    made = engine(text="engine = create_async_engine(DATABASE_URL)", error=problem)
    given = facts(engines=(made,), boot=boot(**{"import": failed("import", problem)}))
    (finding,) = judge("ADB205", given)
    assert finding.message == said
    assert judge("ADB402", given) == ()
    assert judge("ADB202", given) == ()


def test_engine_error_is_told_where_the_engine_is(judge):
    problem = error("ValueError", "invalid literal for int() with base 10: 'x'", place=Place(PATH, 18, 1))
    given = facts(engines=(engine(error=problem),), boot=boot(**{"import": failed("import", problem)}))
    assert len(judge("ADB402", given)) == 1
    assert judge("ADB205", given) == judge("ADB202", given) == ()
