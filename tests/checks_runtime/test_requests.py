from __future__ import annotations

import json

import pytest
from booted_by_hand import boot, engine, error, factory_of, facts, module_of

from pytest_asyncdb.facts.python import Module
from pytest_asyncdb.model.finding import Confidence, Evidence
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import MigrationRecord, ProbeRecord, RefusedRecord, ResponseRecord

ENDPOINT = Place("src/api.py", 30, 1)
RAISED = Place("src/api.py", 33, 9)
CHECKS = {"health": "ADB706", "auth": "ADB707"}


def answer(status, *, kind="auth", body="", **more):
    return ResponseRecord(kind, "POST", "/auth/login", status, body=body, place=ENDPOINT, **more)


def booted(*responses, **more):
    return facts(boot=boot(responses=responses, refused=more.pop("refused", ())), **more)


@pytest.fixture(params=CHECKS)
def kind(request):
    return request.param


@pytest.mark.parametrize("status", [200, 204, 301, 307, 400, 401, 403, 404, 405, 422])
def test_below_500_is_an_answer(judge, kind, status):
    assert judge(CHECKS[kind], booted(answer(status, kind=kind))) == ()


def test_an_error_is_told_where_it_was_raised(judge, kind):
    problem = error("KeyError", "'email'", place=RAISED)
    (finding,) = judge(CHECKS[kind], booted(answer(500, kind=kind, error=problem)))
    assert (finding.place, finding.confidence) == (RAISED, Confidence.CERTAIN)
    assert finding.message == "`POST /auth/login` answers 500: KeyError: 'email'"


def test_an_error_that_left_no_trace_is_told_at_the_endpoint(judge, kind):
    (finding,) = judge(CHECKS[kind], booted(answer(503, kind=kind)))
    assert (finding.place, finding.message) == (ENDPOINT, "`POST /auth/login` answers 503")


def test_an_exception_that_nothing_turned_into_an_answer(judge, kind):
    (finding,) = judge(CHECKS[kind], booted(answer(None, kind=kind, error=error("KeyError", "'email'"))))
    assert finding.message == "`POST /auth/login` raises: KeyError: 'email'"


def test_silence(judge, kind):
    (finding,) = judge(CHECKS[kind], booted(answer(None, kind=kind, timed_out=True)))
    assert finding.message == "`POST /auth/login` does not answer"


def test_a_missing_table_is_only_likely(judge, kind):
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist')
    for response in (
        answer(500, kind=kind, error=problem),
        answer(500, kind=kind, body=json.dumps({"e": problem.message})),
    ):
        (finding,) = judge(CHECKS[kind], booted(response))
        assert finding.confidence is Confidence.LIKELY
        assert "`users`" in finding.message + finding.root_cause


def test_a_table_that_migrations_may_make_is_not_judged(judge, kind):
    migration = Module("versions.a", "migrations/versions/a.py", is_package=False, role="migration")
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist')
    alone = booted(answer(500, kind=kind, error=problem), modules=(migration,))
    assert "table `users`" in judge(CHECKS[kind], alone)


def test_a_table_that_a_sql_file_makes_is_not_judged(judge, kind):
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "public.users" does not exist')
    made = {("table", "users"): Place("db/init.sql", 3)}
    assert "db/init.sql:3 makes it" in judge(
        CHECKS[kind], booted(answer(500, kind=kind, error=problem), made_by_sql=made)
    )


def test_after_the_migrations_a_missing_table_is_a_fault(judge, kind):
    problem = error("sqlalchemy.exc.ProgrammingError", 'relation "users" does not exist')
    ran = boot(responses=(answer(500, kind=kind, error=problem),), migration=MigrationRecord("alembic", ok=True))
    (finding,) = judge(CHECKS[kind], facts(boot=ran))
    assert "ran on the empty database" in finding.root_cause
    failed = boot(
        responses=(answer(500, kind=kind, error=problem),),
        migration=MigrationRecord("alembic", error=error("KeyError")),
    )
    assert "ADB601" in judge(CHECKS[kind], facts(boot=failed))


def test_a_broken_engine_comes_first(judge, kind):
    broken = engine(probe=ProbeRecord(ok=False, error=error("TypeError", "no")))
    assert "connect first" in judge(CHECKS[kind], booted(answer(500, kind=kind), engines=(broken,)))
    assert judge(CHECKS[kind], booted(answer(200, kind=kind), engines=(broken,))) == ()


def test_what_the_sandbox_refused_is_no_fault_of_the_app(judge, kind):
    refused = (RefusedRecord("connect", "cache:6379", "requests", RAISED),)
    assert "cache:6379" in judge(CHECKS[kind], booted(answer(503, kind=kind), refused=refused))


def complaint(*locations):
    return json.dumps({"detail": [{"type": "missing", "loc": list(one), "msg": "Field required"} for one in locations]})


@pytest.mark.parametrize(
    "locations",
    [
        [("body", "email"), ("body", "password")],
        [("query", "token")],
        [("header", "x-api-key")],
        [("path", "session")],
        [("body", "session")],
    ],
)
def test_proper_complaints(judge, locations):
    assert judge("ADB708", booted(answer(422, body=complaint(*locations)))) == ()


@pytest.mark.parametrize(
    ("locations", "name"),
    [
        ([("query", "local_kw")], "local_kw"),
        ([("query", "local_kw"), ("body", "email")], "local_kw"),
        ([("query", "args"), ("query", "kwargs")], "args"),
        ([("query", "session")], "session"),
    ],
)
def test_parameters_of_a_dependency(judge, locations, name):
    (finding,) = judge("ADB708", booted(answer(422, body=complaint(*locations))))
    assert (finding.place, finding.evidence) == (ENDPOINT, Evidence.RUNTIME)
    assert finding.message == f"`POST /auth/login` wants a query parameter `{name}`"


def test_a_health_route_can_be_refused_by_it_too(judge):
    (finding,) = judge("ADB708", booted(answer(422, kind="health", body=complaint(("query", "local_kw")))))
    assert "`local_kw`" in finding.message


def test_the_dependency_itself_is_named_where_it_is_known(judge):
    text = "from sqlalchemy.ext.asyncio import async_sessionmaker\n\nSessionLocal = async_sessionmaker(engine)\n"
    routes = "from src.database import SessionLocal\nfrom fastapi import Depends\n\n\nneeded = Depends(SessionLocal)\n"
    given = factory_of(text)
    given["modules"] += (module_of(routes),)
    (finding,) = judge("ADB708", booted(answer(422, body=complaint(("query", "local_kw"))), **given))
    assert (finding.place.line, finding.evidence) == (5, Evidence.BOTH)
    assert "`Depends(SessionLocal)`" in finding.message


def test_one_dependency_of_two_routes_is_told_once(judge):
    body = complaint(("query", "local_kw"))
    assert len(judge("ADB708", booted(answer(422, body=body), answer(422, body=body)))) == 1
