"""What the criteria of the audit say where other parts of a report say the same in other words."""

from __future__ import annotations

import pytest
from booted_by_hand import boot, error, facts, failed

from pytest_asyncdb.criteria import criteria
from pytest_asyncdb.model.finding import Confidence, Evidence, Finding, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.model.result import CheckOutcome, Outcome, ReportedFinding, Verdict
from pytest_asyncdb.sandbox.record import EngineRecord, ImportRecord, ResponseRecord, RouteRecord, UrlRecord

PLACE = Place("src/database.py", 7)
OTHER_PYTHON = boot(**{"import": failed("import", error("ImportError", "cannot import name 'Mapping'"))})
NOT_HERE = "`src.main` does not import, but this is another Python"


def told(given, reported=(), skipped=()):
    outcomes = [CheckOutcome(name, "", Outcome.SKIPPED, reason) for name, reason in skipped]
    return {one.id: (one.verdict, one.evidence) for one in criteria(given, reported, outcomes)}


def found(severity):
    made = Finding("ADB505", "x", severity, Confidence.CERTAIN, Evidence.STATIC, PLACE, "a fault", "it is one")
    return ReportedFinding(made)


@pytest.mark.parametrize(
    ("schemes", "evidence"),
    [
        (("sqlite+aiosqlite",), "the app works on sqlite, which is not judged"),
        (("sqlite+aiosqlite", "postgresql+asyncpg"), "startup does not touch the database"),
        ((), "startup does not touch the database"),
    ],
)
def test_work_on_a_database_that_is_not_redirected_is_not_denied(schemes, evidence):
    engines = tuple(
        EngineRecord(number, "create_async_engine", is_async=True, place=PLACE, phase="import", url=UrlRecord(scheme))
        for number, scheme in enumerate(schemes)
    )
    assert told(facts(boot=boot(engines=engines)))["SC-005"] == (Verdict.UNKNOWN, evidence)


@pytest.mark.parametrize(("scheme", "told_of"), [("sqlite+aiosqlite", False), ("postgresql+asyncpg", True)])
def test_only_a_database_that_was_taken_down_is_called_down(scheme, told_of):
    engine = EngineRecord(0, "create_async_engine", is_async=True, place=PLACE, phase="import", url=UrlRecord(scheme))
    down = ResponseRecord("health", "GET", "/health", 200, database="down")
    route = RouteRecord("/health", ("GET",), "health")
    _, said = told(facts(boot=boot(engines=(engine,), outages=(down,), routes=(route,))))["SC-006"]
    assert ("with the database down GET /health answers 200" in said) is told_of


def test_a_check_that_is_not_judged_says_why_the_start_is_not():
    skips = [("ADB202", NOT_HERE), ("ADB701", "importing the app did not succeed")]
    every = told(facts(boot=OTHER_PYTHON), skipped=skips)
    assert every["SC-001"] == (
        Verdict.UNKNOWN,
        "import of src.main:app failed: ImportError: cannot import name 'Mapping'",
    )
    assert every["SC-002"] == (Verdict.UNKNOWN, f"ADB202 is not judged: {NOT_HERE}")
    assert every["SC-003"] == (Verdict.UNKNOWN, "the app did not start, which is not judged")
    assert every["SC-005"] == every["SC-006"] == (Verdict.UNKNOWN, "the app did not start")


def test_a_skip_that_only_follows_from_the_failed_start_is_no_reason():
    every = told(facts(boot=OTHER_PYTHON), skipped=[("ADB701", "importing the app did not succeed")])
    assert every["SC-001"][0] is Verdict.NOT_MET
    assert every["SC-002"] == (Verdict.NOT_MET, "the app does not start and no check says why")
    assert every["SC-003"][1] == "the app did not start, and no fault explains it"


def test_a_skip_excuses_no_start_that_a_fault_blocks():
    every = told(facts(boot=OTHER_PYTHON), [found(Severity.BLOCKS)], [("ADB202", NOT_HERE)])
    assert every["SC-001"][0] is Verdict.NOT_MET
    assert every["SC-002"] == (Verdict.MET, "1 found, each with file, line and root cause: ADB505 src/database.py:7")


def test_a_startup_that_is_not_judged_is_named_by_its_own_check():
    down = boot(startup=failed("startup", error("RuntimeError", "no tables")))
    every = told(facts(boot=down), skipped=[("ADB202", "a module"), ("ADB701", "startup asks for migrations")])
    assert every["SC-002"] == (Verdict.UNKNOWN, "ADB701 is not judged: startup asks for migrations")


@pytest.mark.parametrize("severity", [Severity.LATENT, Severity.ADVICE])
def test_faults_that_do_not_block_are_not_called_nothing(severity):
    assert told(facts(), [found(severity)])["SC-003"] == (Verdict.MET, "nothing that blocks")
    assert told(facts())["SC-003"] == (Verdict.MET, "nothing to fix")


def test_an_app_that_was_not_booted_is_not_called_one_that_did_not_start():
    every = told(facts(boot=None, no_boot="no app was found, so nothing was booted"))
    same = [every[name] for name in ("SC-002", "SC-003", "SC-005", "SC-006")]
    assert same == [(Verdict.UNKNOWN, "the app was not booted")] * 4
    assert every["SC-007"] == (Verdict.UNKNOWN, "the app was not booted, so its imports were not followed")


@pytest.mark.parametrize(
    ("number", "said"), [(0, " imports"), (1, " and 1 more module import"), (2, " and 2 more modules import")]
)
def test_modules_that_import_are_counted_in_words(number, said):
    imports = tuple(ImportRecord(f"src.m{one}", f"src/m{one}.py", ok=True) for one in range(number))
    assert told(facts(boot=boot(imports=imports)))["SC-007"] == (Verdict.MET, f"none; src.main:app{said}")
