from __future__ import annotations

import dataclasses

import pytest
from booted_by_hand import boot, engine, error, facts, failed

from pytest_asyncdb.facts.python import Module
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import (
    ConnectionRecord,
    EndRecord,
    LogRecord,
    PhaseRecord,
    ProbeRecord,
    RefusedRecord,
)

AT = Place("src/main.py", 20, 5)
STARTUP = ("ADB701", "ADB702", "ADB704", "ADB713")


def connection(phase="startup", **more):
    given = {"host": "h", "port": "5432", "database": "d", "user": "u", "arguments": (), "place": AT, "ok": True}
    return ConnectionRecord("asyncpg", phase, **{**given, **more})


def ids(judge, given, checks=STARTUP):
    return [finding.id for check in checks for finding in judge(check, given)]


def test_a_good_boot_has_no_fault(judge):
    given = facts(engines=(engine(driver="asyncpg"),), boot=boot(connections=(connection(),)))
    every = (*STARTUP, "ADB703", "ADB705", "ADB706", "ADB707", "ADB708", "ADB709", "ADB710", "ADB711", "ADB712")
    assert ids(judge, given, every) == []


def test_an_error_of_the_app_is_told_where_it_was_raised(judge):
    given = facts(boot=boot(startup=failed("startup", error("RuntimeError", "no signing key.", place=AT))))
    assert ids(judge, given) == ["ADB701"]
    (finding,) = judge("ADB701", given)
    assert finding.place == AT
    assert finding.message == "startup of `src.main:app` fails: RuntimeError: no signing key"


def test_without_an_exception_the_apps_own_message_is_told(judge):
    given = facts(boot=boot(startup=failed("startup", note="Traceback ...\nRuntimeError: no signing key\n")))
    (finding,) = judge("ADB701", given)
    assert finding.message.endswith("fails: RuntimeError: no signing key")
    assert finding.place == Place("src/main.py")


def test_a_group_of_exceptions_is_told_by_the_first_in_it(judge):
    problem = error("ExceptionGroup", "unhandled errors (1 sub-exception)", causes=(("ValueError", "no key"),))
    (finding,) = judge("ADB701", facts(boot=boot(startup=failed("startup", problem))))
    assert finding.message.endswith("fails: ValueError: no key")


@pytest.mark.parametrize(
    "problem",
    [
        error("AttributeError", "'AsyncEngine' object has no attribute '_run_ddl_visitor'", place=AT),
        error("sqlalchemy.exc.MissingGreenlet", "greenlet_spawn has not been called", place=AT),
        error(
            "ExceptionGroup", "unhandled errors", place=AT, causes=(("asyncpg.exceptions.SyntaxError", "at or near"),)
        ),
    ],
    ids=["attribute", "greenlet", "group"],
)
def test_an_error_of_the_database_has_its_own_check(judge, problem):
    given = facts(boot=boot(startup=failed("startup", problem)))
    assert ids(judge, given) == ["ADB704"]
    assert judge("ADB704", given)[0].confidence is Confidence.CERTAIN


def test_a_table_that_migrations_may_make_is_only_likely(judge):
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist\n[SQL: SELECT 1]', place=AT)
    (finding,) = judge("ADB704", facts(boot=boot(startup=failed("startup", problem))))
    assert finding.confidence is Confidence.LIKELY
    assert finding.message == "database work at startup of `src.main:app` fails: table `users` does not exist"


def test_a_broken_engine_is_told_at_the_engine_only(judge):
    problem = error("TypeError", "connect() got an unexpected keyword argument 'x'", place=AT)
    made = engine(probe=ProbeRecord(ok=False, error=dataclasses.replace(problem, place=None)))
    assert ids(judge, facts(engines=(made,), boot=boot(startup=failed("startup", problem)))) == []


def test_a_missing_driver_is_told_by_its_own_check(judge):
    problem = error("ModuleNotFoundError", "No module named 'asyncpg'", place=AT)
    assert ids(judge, facts(boot=boot(startup=failed("startup", problem)))) == []


def test_what_the_sandbox_refused_is_no_fault_of_the_app(judge):
    refused = (RefusedRecord("connect", "cache.internal:6379", "startup", AT),)
    problem = error("redis.exceptions.ConnectionError", "Error 111 connecting to cache.internal:6379", place=AT)
    assert "cache.internal:6379" in judge(
        "ADB701", facts(boot=boot(startup=failed("startup", problem), refused=refused))
    )
    other = error("KeyError", "'SIGNING'", place=AT)
    assert len(judge("ADB701", facts(boot=boot(startup=failed("startup", other), refused=refused)))) == 1


@pytest.mark.parametrize(
    "case",
    [
        ("localhost:6379", "redis.exceptions.ConnectionError", "Error 111 connecting", "Redis at localhost:6379"),
        ("cache.internal:7000", "redis.exceptions.ConnectionError", "timeout", "Redis at cache.internal:7000"),
        ("127.0.0.1:587", "ConnectionRefusedError", "Connection refused", "a mail server at 127.0.0.1:587"),
        ("rabbit:9999", "OSError", "connect failed", "RabbitMQ at rabbit:9999"),
        ("shop.eu.auth0.com:443", "httpx.ConnectError", "Name or service not known", "Auth0 at shop.eu.auth0.com:443"),
        (
            "s3.amazonaws.com:443",
            "botocore.exceptions.EndpointConnectionError",
            "connect",
            "AWS at s3.amazonaws.com:443",
        ),
        ("10.0.0.9:1234", "OSError", "connect failed", "10.0.0.9:1234"),
    ],
)
@pytest.mark.parametrize("phase", ["import", "startup"])
def test_a_service_that_the_start_needs_is_named(judge, case, phase):
    target, kind, message, told = case
    problem = error(kind, message, place=AT)
    refused = (
        RefusedRecord("connect", "o1.ingest.sentry.io:443", "shutdown", AT),
        RefusedRecord("connect", target, phase, AT, 3),
    )
    given = facts(boot=boot(**{phase: failed(phase, problem)}, refused=refused))
    (finding,) = judge("ADB718", given)
    assert finding.message == (
        f"`src.main:app` does not start without {told} (3 attempts), which a check does not provide"
    )
    reason = f"the app needs {told} to start, which a check does not provide"
    assert [judge(one, given) for one in ("ADB701", "ADB706")] == [reason] * 2
    assert [one.message.split("`")[1] for one in judge("ADB712", given)] == ["o1.ingest.sentry.io:443"]


def test_an_address_is_told_once_whatever_this_machine_is_called(judge):
    names = ("localhost:6379", "127.0.0.1:6379", "[::1]:6379", "redis:6379")
    refused = tuple(RefusedRecord("connect", name, "startup", AT) for name in names)
    told = [one.message for one in judge("ADB712", facts(boot=boot(refused=refused)))]
    assert ["`localhost:6379` (Redis)" in told[0], "`redis:6379` (Redis)" in told[1], len(told)] == [True, True, 2]


def test_an_endless_startup_is_told_where_it_stands(judge):
    given = facts(boot=boot(startup=failed("startup", timed_out=True, stuck_at=AT, seconds=15.2)))
    assert ids(judge, given) == ["ADB702"]
    assert judge("ADB702", given)[0].message == (
        "startup of `src.main:app` has not ended after 15 s; it stands at src/main.py:20"
    )


def test_a_startup_that_waits_for_what_the_sandbox_refuses(judge):
    refused = (RefusedRecord("connect", "broker:5672", "startup", AT, count=9),)
    given = facts(boot=boot(startup=failed("startup", timed_out=True, stuck_at=AT), refused=refused))
    assert "RabbitMQ at broker:5672" in judge("ADB702", given)
    assert judge("ADB718", given)[0].message.startswith("`src.main:app` does not start without RabbitMQ")
    left = failed("startup", error("SystemExit", "no broker", place=AT))
    assert "broker:5672" in judge("ADB713", facts(boot=boot(startup=left, refused=refused)))


def test_a_startup_that_needs_migrations(judge):
    migration = Module("versions.a", "migrations/versions/a.py", is_package=False, role="migration")
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist', place=AT)
    given = facts(boot=boot(startup=failed("startup", problem)), modules=(migration,))
    assert "table `users`" in judge("ADB704", given)


def test_a_startup_that_needs_what_a_sql_file_makes(judge):
    problem = error("sqlalchemy.exc.ProgrammingError", 'schema "shop" does not exist', place=AT)
    booted = boot(startup=failed("startup", problem))
    (finding,) = judge("ADB704", facts(boot=booted))
    assert "schema `shop` does not exist" in finding.message
    assert finding.confidence is Confidence.LIKELY
    made = {("schema", "shop"): Place("db/init.sql", 3)}
    assert "db/init.sql:3 makes it" in judge("ADB704", facts(boot=booted, made_by_sql=made))


def test_a_startup_that_had_to_be_killed(judge):
    phases = (PhaseRecord("import", ok=True, seconds=0.1),)
    killed = dataclasses.replace(boot(), phases=phases, end=EndRecord("deadline", "startup", place=AT))
    assert ids(judge, facts(boot=killed)) == ["ADB702"]


@pytest.mark.parametrize("how", ["exit", "died"])
def test_a_startup_that_ends_the_process(judge, how):
    phases = (PhaseRecord("import", ok=True, seconds=0.1),)
    end = EndRecord(how, "startup", code=3, place=AT, detail="" if how == "exit" else "SIGSEGV")
    given = facts(boot=dataclasses.replace(boot(), phases=phases, end=end))
    assert ids(judge, given) == ["ADB713"]
    told = judge("ADB713", given)[0]
    assert told.place == AT
    assert ("exit status 3" if how == "exit" else "SIGSEGV") in told.message


def test_system_exit_that_the_sandbox_caught(judge):
    given = facts(boot=boot(startup=failed("startup", error("SystemExit", "REGION is not set", place=AT))))
    assert ids(judge, given) == ["ADB713"]


@pytest.mark.parametrize("check", [*STARTUP, "ADB703", "ADB706", "ADB707", "ADB708", "ADB709", "ADB710", "ADB711"])
def test_an_app_that_did_not_import_was_not_judged(judge, check):
    given = facts(boot=boot(**{"import": failed("import", error("ImportError", "no"))}))
    assert judge(check, given) == "importing the app did not succeed"


def test_a_lazy_start_is_said_once_and_as_advice(judge):
    two = (engine(driver="asyncpg"), engine(driver="asyncpg"))
    (finding,) = judge("ADB703", facts(engines=two))
    assert finding.severity is Severity.ADVICE


@pytest.mark.parametrize(
    ("connections", "number"),
    [
        ((connection("startup"),), 0),
        ((connection("startup", ok=False),), 0),
        ((connection("probe", by_probe=True),), 1),
    ],
    ids=["reached", "tried", "only by the probe"],
)
def test_who_reached_the_database(judge, connections, number):
    given = facts(engines=(engine(driver="asyncpg"),), boot=boot(connections=connections))
    assert len(judge("ADB703", given)) == number


PROBLEM = error("asyncpg.exceptions.InvalidPasswordError", 'password authentication failed for user "u"\nmore')


def log(message):
    return LogRecord("startup", "logging", "ERROR", "app", message)


@pytest.mark.parametrize(
    ("attempts", "logs", "number"),
    [
        ((connection(ok=False, error=PROBLEM),), (log("no database: " + PROBLEM.message),), 1),
        ((connection(ok=False, error=PROBLEM),), (log("starting"),), 0),
        ((connection(ok=False, error=PROBLEM), connection()), (log(PROBLEM.message),), 0),
        ((connection(ok=False, error=PROBLEM, by_probe=True),), (log(PROBLEM.message),), 0),
    ],
    ids=["swallowed", "not logged", "tried again", "the sandbox's own"],
)
def test_swallowed_errors(judge, attempts, logs, number):
    found = judge("ADB711", facts(boot=boot(connections=attempts, logs=logs)))
    assert len(found) == number
    assert all(one.confidence is Confidence.LIKELY and one.place == AT for one in found)


def test_shutdown(judge):
    raised = facts(boot=boot(shutdown=failed("shutdown", error("AttributeError", "no worker", place=AT))))
    (finding,) = judge("ADB709", raised)
    assert (finding.place, finding.message) == (AT, "shutdown of `src.main:app` fails: AttributeError: no worker")
    late = facts(boot=boot(shutdown=failed("shutdown", timed_out=True, stuck_at=AT)))
    (finding,) = judge("ADB709", late)
    assert (finding.place, finding.message) == (AT, "shutdown of `src.main:app` does not end")


@pytest.mark.parametrize(("number", "words"), [(1, "has a connection open"), (3, "has 3 connections open")])
def test_connections_left_open(judge, number, words):
    (finding,) = judge("ADB710", facts(engines=(engine(open_after_shutdown=number),)))
    assert finding.severity is Severity.ADVICE
    assert words in finding.message
    assert judge("ADB710", facts(engines=(engine(role="test", open_after_shutdown=number),))) == ()


def test_refused_addresses_are_told_once_each(judge):
    refused = tuple(
        RefusedRecord(kind, target, phase, AT)
        for kind, target, phase in [
            ("resolve", "cache.internal", "startup"),
            ("resolve", "cache.internal", "requests"),
            ("program", "/usr/bin/curl", "import"),
        ]
    )
    found = judge("ADB712", facts(boot=boot(refused=refused)))
    assert [one.message.partition(",")[0] for one in found] == [
        "the app tries to look up `cache.internal` at startup",
        "the app tries to run `/usr/bin/curl` while it is imported",
    ]


def test_startup_that_asks_for_migrations_is_not_judged(judge):
    problem = error("Exception", "Alembic version table not found. Please run migrations", place=AT)
    booted = boot(startup=failed("startup", problem))
    migration = Module("versions.a", "migrations/versions/a.py", is_package=False, role="migration")
    assert "migrations" in judge("ADB701", facts(boot=booted, modules=(migration,)))
    assert len(judge("ADB701", facts(boot=booted))) == 1


def test_an_engine_without_a_name_stands_in_plain_words(judge):
    (finding,) = judge("ADB703", facts(engines=(engine(driver="asyncpg"),)))
    assert finding.message.startswith("startup does not use the engine, so")
