from __future__ import annotations

from dataclasses import replace

import pytest
from booted_by_hand import boot, engine, error, facts, failed

from pytest_asyncdb.criteria import criteria
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import EngineRecord, PhaseRecord, ProbeRecord, ResponseRecord, RouteRecord, UrlRecord

ENDPOINT = Place("src/api.py", 30, 1)


def up(path="/health", body='{"status":"ok"}'):
    return ResponseRecord("health", "GET", path, 200, body=body, place=ENDPOINT)


def out(state, status, *, path="/health", body='{"status":"ok"}', **more):
    return ResponseRecord("health", "GET", path, status, body=body, place=ENDPOINT, database=state, **more)


def seen(*outages, answers=(), **more):
    return facts(boot=boot(responses=answers or (up(),), outages=outages), **more)


@pytest.mark.parametrize("path", ["/ready", "/readyz", "/health/ready", "/api/v1/readiness", "/health/db"])
def test_a_promise_of_readiness_is_kept(judge, path):
    (finding,) = judge("ADB714", seen(out("down", 200, path=path), answers=(up(path),)))
    assert (finding.place, finding.severity, finding.confidence) == (ENDPOINT, Severity.LATENT, Confidence.LIKELY)
    assert finding.message == f"`GET {path}` answers 200 while the database is down"
    assert judge("ADB714", seen(out("down", 503, path=path), answers=(up(path),))) == ()


def test_an_answer_that_is_kept_for_a_while_says_nothing(judge):
    body = '{"status":"ok","last_check":"2026-01-02T03:04:05Z"}'
    told = judge("ADB714", seen(out("down", 200, path="/ready", body=body), answers=(up("/ready", body),)))
    assert told == "`/ready` answers with the time of an answer before: it keeps its answers for a while"
    later = body.replace("05Z", "07Z")
    assert len(judge("ADB714", seen(out("down", 200, path="/ready", body=later), answers=(up("/ready", body),)))) == 1


@pytest.mark.parametrize(
    ("body", "down", "severity"),
    [
        ('{"database":"connected"}', '{"database":"connected"}', Severity.LATENT),
        ('{"db_status":"up","ms":12}', '{"db_status":"up","ms":340}', Severity.LATENT),
        ('"app and database ok"', '"app and database ok"', Severity.LATENT),
        ('{"database":"connected"}', '{"database":"unreachable"}', Severity.ADVICE),
    ],
)
def test_an_answer_that_names_the_database(judge, body, down, severity):
    (finding,) = judge("ADB714", seen(out("down", 200, body=down), answers=(up(body=body),)))
    assert finding.severity is severity
    assert ("only its body" in finding.message) == (severity is Severity.ADVICE)


@pytest.mark.parametrize("body", ['{"status":"healthy"}', '"the database of users is large"', "ok"])
def test_a_health_route_that_promises_nothing_is_left_alone(judge, body):
    assert judge("ADB714", seen(out("down", 200, body=body), answers=(up(body=body),))) == ()


def test_silence_while_the_database_is_down(judge):
    (finding,) = judge("ADB715", seen(out("down", None, timed_out=True), out("down", None, timed_out=True)))
    assert finding.message == "`GET /health` does not answer while the database is down"
    stuck = failed("outage", timed_out=True, stuck_at=Place("src/api.py", 31, 5))
    healthy = boot()
    (finding,) = judge("ADB715", facts(boot=replace(healthy, phases=(*healthy.phases, stuck))))
    assert (finding.place.line, "blocks all of" in finding.message) == (31, True)
    assert judge("ADB715", seen(out("down", 500))) == ()


def test_an_app_that_stays_broken(judge):
    problem = error("RuntimeError", "unhealthy")
    broken = seen(out("down", 500), *[out("up again", 500, error=problem)] * 3)
    (finding,) = judge("ADB716", broken)
    assert finding.message == "`GET /health` still fails after the database is back: RuntimeError: unhealthy"
    assert judge("ADB716", seen(out("down", 500), out("up again", 500), out("up again", 200))) == ()


CALL = """from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://a@b/c"{more})
"""


def made(more="", *, pool="AsyncAdaptedQueuePool", **seen_more):
    return engine(text=CALL.format(more=more), pool_class=pool, probe=ProbeRecord(ok=True), **seen_more)


RESTARTED = (out("down", 500), out("up again", 200), out("restarted", 500), out("restarted", 200))


def test_a_pool_that_does_not_ask(judge):
    (finding,) = judge("ADB717", seen(*RESTARTED, engines=(made(),)))
    assert (finding.severity, finding.place.line) == (Severity.ADVICE, 3)
    assert finding.fixes[0].changes[0].text == ", pool_pre_ping=True"
    assert not finding.fixes[0].safe


def test_of_two_engines_none_is_blamed(judge):
    (finding,) = judge("ADB717", seen(*RESTARTED, engines=(made(), made(arguments=()))))
    assert (finding.place, finding.fixes) == (ENDPOINT, ())


@pytest.mark.parametrize("outages", [RESTARTED[:2], (*RESTARTED[:2], out("restarted", 200)), RESTARTED[:3]])
def test_no_failure_or_no_recovery_says_nothing_of_a_ping(judge, outages):
    assert judge("ADB717", seen(*outages, engines=(made(),))) == ()


def test_a_shutdown_that_fails_over_the_outage_is_not_judged(judge):
    problem = error("sqlalchemy.exc.InterfaceError", "connection is closed")
    broken = boot(outages=RESTARTED, shutdown=failed("shutdown", problem))
    assert "taken away" in judge("ADB709", facts(boot=broken))
    (finding,) = judge("ADB709", facts(boot=boot(shutdown=failed("shutdown", problem))))
    assert "InterfaceError" in finding.message


@pytest.mark.parametrize("check_id", ["ADB714", "ADB715", "ADB716", "ADB717"])
def test_a_database_that_could_not_be_taken_away_is_not_judged(judge, check_id):
    healthy = boot()
    for phase in (PhaseRecord("outage", ok=True, seconds=0.0, note="holds"), failed("outage", error("OSError", "x"))):
        reason = judge(check_id, facts(boot=replace(healthy, phases=(*healthy.phases, phase))))
        assert reason in {"holds", "the database could not be taken away"}


def test_the_criteria_show_what_was_seen():
    given = seen(*RESTARTED)
    given.boot = replace(given.boot, routes=(RouteRecord("/health", ("GET",), "api.health"),))
    told = {one.id: one for one in criteria(given, ())}["SC-006"]
    assert told.evidence.endswith("with the database down GET /health answers 500, up again 200")


@pytest.mark.parametrize(("scheme", "judged"), [("sqlite+aiosqlite", False), ("postgresql+asyncpg", True)])
def test_an_app_on_another_database_is_not_judged_by_what_this_one_does(judge, scheme, judged):
    made = EngineRecord(1, "sqlalchemy.ext.asyncio.create_async_engine", True, ENDPOINT, "import", UrlRecord(scheme))  # noqa: FBT003 - as the record has it
    answers = (up("/ready"), replace(up(), status=500))
    given = facts(boot=boot(responses=answers, outages=(out("down", 200, path="/ready"),), engines=(made,)))
    told = [judge(check, given) for check in ("ADB706", "ADB714")]
    problem = error("sqlalchemy.exc.OperationalError", "no such table: users")
    told.append(judge("ADB704", facts(boot=boot(startup=failed("startup", problem), engines=(made,)))))
    assert told == ["the app works on sqlite, not on Postgres"] * 3 if not judged else all(map(len, told))
