"""Programs that a check does not run."""

from __future__ import annotations

from booted_by_hand import boot, error, facts, failed

from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import RefusedRecord

AT = Place("src/main.py", 20, 5)


def test_a_program_that_the_start_needs_is_no_service(judge):
    problem = error("PermissionError", "[Errno 13] Not run: the sandbox starts no programs: 'make'", place=AT)
    refused = (RefusedRecord("program", "(make version KEY=top-secret) || make all", "startup", AT),)
    given = facts(boot=boot(startup=failed("startup", problem), refused=refused))
    (finding,) = judge("ADB718", given)
    told = "the program `make …`, which a check does not run"
    assert finding.message == f"`src.main:app` does not start without {told}"
    assert "asyncdb_allow" not in finding.root_cause
    assert "service" not in finding.root_cause
    reason = judge("ADB701", given)
    assert reason == "the app needs the program `make …` to start, which a check does not run"
    left = failed("startup", error("SystemExit", "no version", place=AT))
    reason = judge("ADB713", facts(boot=boot(startup=left, refused=refused)))
    assert reason == "startup ended the process after the sandbox did not run the program `make …`"
    started = facts(boot=boot(refused=refused))
    assert "can be reached" not in judge("ADB712", started)[0].root_cause
