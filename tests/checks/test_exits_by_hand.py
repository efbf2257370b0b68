"""Imports that end the process, never end, or lack a setting, as the examples cannot have them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import APP, boot, error, facts, find

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import BootRecord, EndRecord, LogRecord, PhaseRecord
from pytest_asyncdb.sandbox.watchdog import COMPUTES

TWO_UNSET = '[{"name": "DB_URL", "missing": true}, {"name": "SECRET", "missing": true}]'


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            error("pydantic_core._pydantic_core.ValidationError", "2 errors", "c.py:9", settings=TWO_UNSET),
            "`DB_URL`, `SECRET`",
        ),
        (error("KeyError", "'DATABASE_URL'", "c.py:9"), "`DATABASE_URL`"),
        (
            error("environs.exceptions.EnvError", 'Environment variable "DB_URL" not set', "c.py:9"),
            "`DB_URL` is not set",
        ),
        (
            error("decouple.UndefinedValueError", "KEY not found. Declare it as envvar or define ...", "c.py:9"),
            "`KEY` is not set",
        ),
        (
            error("sqlalchemy.exc.ArgumentError", "Expected string or URL object, got None", "c.py:9"),
            "the database URL",
        ),
    ],
)
def test_missing_setting(failure, said):
    [finding] = find("ADB205", facts(boot=boot(failure)))
    assert finding.message.startswith(said)
    assert finding.place == Place("c.py", 9)


def test_several_settings_are_plural():
    failure = error("pydantic_core._pydantic_core.ValidationError", "2 errors", "c.py:9", settings=TWO_UNSET)
    [finding] = find("ADB205", facts(boot=boot(failure)))
    assert finding.message == "`DB_URL`, `SECRET` are not set, and the import fails without them"


def test_setting_that_starlette_config_lacks():
    failure = error("KeyError", "\"Config 'SECRET_KEY' is missing, and has no default.\"", "c.py:9")
    [finding] = find("ADB205", facts(boot=boot(failure)))
    assert finding.message == "`SECRET_KEY` is not set, and the import fails without it"
    assert find("ADB202", facts(boot=boot(failure))) == ()


def test_other_key_errors_are_no_settings():
    failure = error("KeyError", "'name'", "c.py:9")
    assert find("ADB205", facts(boot=boot(failure))) == ()
    [finding] = find("ADB202", facts(boot=boot(failure)))
    assert finding.message.endswith("does not import: KeyError: 'name'")


def test_exit_at_import():
    end = EndRecord("exit", "import", 3, Place("src/main.py", 2))
    [finding] = find("ADB207", facts(boot=boot(end=end), app=APP))
    assert finding.message == "importing `src/main.py` ends the process (exit status 3)"


def test_system_exit_at_import():
    failure = error("SystemExit", "3", "src/main.py:2", code="3")
    [finding] = find("ADB207", facts(boot=boot(failure), app=APP))
    assert finding.place == Place("src/main.py", 2)


LOGGED = LogRecord("import", "logging", "ERROR", "uvicorn", "read  the docs:\n set X")


@pytest.mark.parametrize(
    ("logs", "said"),
    [
        ((LOGGED,), "along. The last it says before that: read the docs: set X"),
        ((LOGGED, LogRecord("import", "stderr", "", "", "12:00 read the docs: set X")), ": read the docs: set X"),
        ((LOGGED, LogRecord("import", "stdout", "", "", "bye")), ": bye"),
        ((LogRecord("modules", "stdout", "", "", "another module"),), "takes its importer along."),
        ((), "takes its importer along."),
    ],
)
def test_the_last_words_before_an_exit_are_quoted(logs, said):
    end = EndRecord("exit", "import", 66, Place("src/main.py", 2))
    seen = replace(boot(error("SystemExit", "66", "src/main.py:2", code="66"), end=end), logs=logs)
    [finding] = find("ADB207", facts(boot=seen, app=APP))
    assert finding.root_cause.endswith(said)


@pytest.mark.parametrize(("how", "phase"), [("exit", "modules"), ("died", "import")])
def test_what_other_modules_or_a_crash_say_is_not_quoted(how, phase):
    end = EndRecord(how, phase, 3, Place("src/other.py", 2))
    seen = replace(boot(end=end), logs=(LogRecord(phase, "stderr", "", "", "who said that?"),))
    [finding] = find("ADB207", facts(boot=seen, app=APP))
    assert finding.root_cause.endswith("along.")


def test_exit_after_the_import_is_not_its_business():
    end = EndRecord("exit", "startup", 3, Place("src/main.py", 2))
    assert find("ADB207", facts(boot=boot(end=end), app=APP)) == ()


def test_import_past_its_deadline_says_where_it_stands():
    given = facts(boot=boot(timed_out=True, stuck_at=Place("src/wait.py", 4)), app=APP)
    [finding] = find("ADB208", given)
    assert finding.place == Place("src/wait.py", 4)
    assert find("ADB208", facts(boot=boot(), app=APP)) == ()


def test_an_import_that_computes_all_along_is_slow_and_not_stuck():
    phase = PhaseRecord(
        "import", ok=False, seconds=31.0, timed_out=True, stuck_at=Place("src/main.py", 6), note=COMPUTES
    )
    given = facts(boot=BootRecord("src.main:app", None, (phase,), EndRecord("deadline", "import")), app=APP)
    with pytest.raises(
        NotJudgedError, match=r"after 31 s: it computes at src/main\.py:6, and .*asyncdb_import_timeout"
    ):
        find("ADB208", given)
