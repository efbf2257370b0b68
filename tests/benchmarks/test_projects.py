from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

APP = {
    "name": "shop", "repo": "someone/shop", "commit": "0" * 40, "python": "3.10.1", "app": "shop.web:app (factory)",
    "subdir": "backend", "env": ["SECRET_KEY=<20>", "DB_HOST", "MODE=dev", "none: nothing"], "boot": {"ok": True},
    "expected": [
        {"file": "shop/db.py", "line": 10, "kind": "sslmode-in-asyncpg-url", "real": True, "why": "TypeError"},
        {"file": "requirements.txt", "line": None, "kind": "missing-greenlet-extra", "real": True, "why": "2.1"},
        {"file": "shop/db.py", "line": 20, "kind": "sessionmaker(class_=AsyncSession)", "real": False, "why": "works"},
        {"file": "shop/db.py", "line": 30, "kind": "something nobody has mapped", "real": False, "why": "works"},
    ],
}  # fmt: skip
FIX = {
    "id": "shop-1", "repo": "someone/shop", "before_sha": "1" * 40, "after_sha": "2" * 40, "class": "url_scheme",
    "trap": False, "would_flag": None,
    "files": [{"path": "shop/db.py", "line": 10, "also_lines": [40], "text_summary": "postgres:// passes through"}],
}  # fmt: skip


def _read(tmp_path, entries):
    from field import lists

    path = tmp_path / "list.json"
    path.write_text(json.dumps(entries))
    return lists.read(path)


def _found(id_, line, *, path="backend/shop/db.py", severity="blocks", confidence="certain"):
    from field.matching import Found

    return Found(id_, "some-slug", severity, confidence, path, line, "message")


def test_a_list_of_apps_is_told_by_its_entries(tmp_path):
    (case,) = _read(tmp_path, [APP])

    assert (case.app, case.boots, case.subdir) == ("shop.web:app", True, "backend")
    assert [one.real for one in case.expected] == [True, True, False, False]


def test_a_fix_is_a_fault_before_and_none_after(tmp_path):
    before, after = _read(tmp_path, [FIX])

    assert (before.name, before.commit[0], before.expected[0].real) == ("shop-1@before", "1", True)
    assert (after.name, after.commit[0], after.expected[0].real) == ("shop-1@after", "2", False)
    assert before.expected[0].spots[0].lines == (10, 40)


def test_a_trap_is_one_commit_with_every_kind_that_naive_tools_flag(tmp_path):
    (case,) = _read(tmp_path, [{**FIX, "trap": True, "would_flag": ["libpq_params", "wrong_driver"]}])

    assert [(one.kinds, one.real) for one in case.expected] == [(("libpq_params",), False), (("wrong_driver",), False)]


def test_what_is_no_list_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither"):
        _read(tmp_path, [{"name": "shop"}])


@pytest.mark.parametrize(
    ("finding", "met"),
    [
        (("ADB303", 10), True),
        (("ADB303", 13), True),
        (("ADB303", 90), True),  # of that kind, in that file: the line does not decide
        (("ADB505", 10), False),  # at that place, about something else
    ],
)
def test_a_fault_is_found_by_place_and_kind(tmp_path, finding, met):
    from field.matching import score

    (case,) = _read(tmp_path, [APP])

    assert (len(score(case, [_found(*finding)]).hits) == 1) is met


def test_a_fault_of_a_whole_file_is_found_anywhere_in_it_and_in_no_other(tmp_path):
    from field.matching import score

    (case,) = _read(tmp_path, [APP])

    assert score(case, [_found("ADB103", 3, path="requirements.txt")]).hits
    assert not score(case, [_found("ADB103", 3, path="requirements-dev.txt")]).hits


@pytest.mark.parametrize(
    ("id_", "line", "severity", "flagged"),
    [
        ("ADB501", 20, "blocks", 1),
        ("ADB501", 20, "advice", 0),  # advice claims no fault
        ("ADB501", 90, "blocks", 0),  # another factory
        ("ADB999", 31, "latent", 1),  # a kind that the map does not know: the place decides
    ],
)
def test_a_look_alike_is_flagged_only_where_it_stands(tmp_path, id_, line, severity, flagged):
    from field.matching import score

    (case,) = _read(tmp_path, [APP])
    scored = score(case, [_found(id_, line, severity=severity, confidence="likely")])

    assert (len(scored.flagged), scored.flagged_at("likely"), scored.flagged_at("certain")) == (flagged, flagged, 0)


def test_totals_count_faults_flags_and_what_the_list_does_not_know(tmp_path):
    from field import totals
    from field.running import Outcome

    (case,) = _read(tmp_path, [APP])
    findings = [
        asdict(_found("ADB303", 11)),
        asdict(_found("ADB501", 20)),
        asdict(_found("ADB701", 99)),
    ]
    outcome = Outcome(
        "shop", case.commit, "bare", seconds=3.0, import_seconds=2.0, cold_seconds=5.0, import_cold_seconds=4.0,
        booted=True, judged=40, findings=findings,
    )  # fmt: skip
    sums = totals.totals(
        [totals.line(case, outcome), totals.line(replace(case, boots=False), Outcome("x", "", "bare"))]
    )

    assert (sums.real, sums.found, sums.recall, sums.beyond) == (4, 1, 0.25, 1)
    assert (sums.flagged_certain, sums.flagged_likely, sums.precision) == (1, 0, 0.5)
    assert (sums.booting, sums.full, sums.judged, sums.median_ratio, sums.median_cold_ratio) == (1, 1, 1, 1.5, 1.25)


def test_the_table_names_what_was_missed_and_why_something_is_not_judged(tmp_path):
    from field import totals
    from field.running import Outcome

    (case,) = _read(tmp_path, [APP])
    outcome = Outcome("shop", case.commit, "bare", judged=30, skipped={"ADB701": "no app was found"})
    text = "\n".join(totals.table([totals.line(case, outcome)]))

    assert "MISSED: shop/db.py:10 sslmode-in-asyncpg-url: TypeError" in text
    assert "not judged: 1 x no app was found" in text


def test_secrets_are_invented_and_the_database_is_left_to_the_tool(tmp_path):
    from field.running import secrets

    (case,) = _read(tmp_path, [APP])
    values = secrets(case, {"EXTRA": "1"})

    assert (len(values["SECRET_KEY"]), values["MODE"], values["EXTRA"]) == (20, "dev", "1")
    assert "DB_HOST" not in values


def test_declared_requirements_are_read_as_each_tool_writes_them(tmp_path):
    from field import requirements

    (tmp_path / "base.txt").write_bytes("sqlalchemy>=2 --hash=sha256:00\r\n".encode("utf-16"))
    (tmp_path / "requirements.txt").write_text("# comment\n-r base.txt\n-e .\nfastapi  # why\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.poetry.dependencies]\npython = "^3.11"\nasyncpg = "^0.29"\n'
        'uvicorn = {extras = ["standard"], version = "~1.2"}\nhidden = {version = "1", optional = true}\n'
    )
    (tmp_path / "poetry.lock").write_text('[[package]]\nname = "asyncpg"\nversion = "0.29.1"\n')
    declaration = requirements.read(tmp_path, "src")

    assert declaration.lines == ["asyncpg>=0.29,<0.30", "uvicorn[standard]>=1.2,<1.3", "sqlalchemy>=2", "fastapi"]
    assert declaration.pins == ("asyncpg==0.29.1",)
    assert requirements.python_range(tmp_path, "src") == ">=3.11,<4"


def test_a_project_that_declares_nothing_gets_what_it_imports(tmp_path):
    from field import requirements

    (tmp_path / "main.py").write_text(
        'import os\nfrom fastapi import FastAPI\nimport own\nURL = "postgresql+psycopg://x"\n'
    )
    (tmp_path / "own.py").write_text("")

    assert requirements.read(tmp_path, "").lines == ["fastapi", "psycopg[binary]"]


@pytest.mark.parametrize(
    ("wanted", "said", "date", "chosen"),
    [
        ("3.10.13", "", "2020-01-01", "3.11"),
        ("3.12.1", ">=3.14", "2026-01-01", "3.12"),
        (None, ">=3.9,<3.13", "2026-01-01", "3.12"),
        (None, ">=3.14", "2026-01-01", "3.13"),
        (None, "", "2025-02-17", "3.12"),
        (None, "", "2025-11-17", "3.13"),
        (None, "", "2021-01-01", "3.11"),
    ],
)
def test_the_nearest_supported_python_is_taken(wanted, said, date, chosen):
    from field.environments import choose_python

    assert choose_python(wanted, said, date) == chosen


def test_what_cannot_be_installed_is_told_and_given_up_last(tmp_path):
    from field import environments

    class Installer(environments.Installer):
        def create(self, venv, python):
            venv.mkdir(parents=True)
            return "" if python == "3.11" else "no such interpreter"

        def install(self, venv, arguments):  # noqa: ARG002 - the parent's signature
            if any("dead" in (venv / name).read_text() for name in ("declared.txt", "locked.txt")):
                return "Failed to build `dead`"
            return ""

        def installed(self, venv):  # noqa: ARG002 - the parent's signature
            return {}

    (case,) = _read(tmp_path, [{**APP, "subdir": "", "commit": _repository(tmp_path / "mirrors" / "someone+shop")}])
    folders = environments.Folders(tmp_path / "mirrors", tmp_path / "checkouts", tmp_path / "venvs", tmp_path)
    made = environments.prepare(case, folders, Installer("uv"))

    assert not made.failed
    assert [text.split(":")[0].split(" (")[0] for text in made.told] == [
        "not held to the lock file",
        "only what was published before the commit",
        "left out, it cannot be installed",
    ]
    assert (tmp_path / "checkouts" / "shop" / "requirements.txt").is_file()
    assert "no mirror" in environments.prepare(replace(case, repo="a/b"), folders, Installer("uv")).failed
    assert "does not have" in environments.prepare(replace(case, commit="f" * 40), folders, Installer("uv")).failed


def _repository(root):
    root.mkdir(parents=True)
    (root / "requirements.txt").write_text("fastapi\ndead\n")
    (root / "uv.lock").write_text('[[package]]\nname = "dead"\nversion = "1.0"\nsource = { registry = "x" }\n')
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *command], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


PYTEST = """#!{python}
import json, os, pathlib, sys
log = pathlib.Path({log!r})
bytecode = pathlib.Path("shop.pyc")
report = [one.partition("=")[2] for one in sys.argv if one.startswith("--asyncdb-report")]
log.open("a").write(f"{{'check' if report else 'import'}} {{'warm' if bytecode.exists() else 'cold'}}\\n")
if report:
    app = {{"target": "shop.web:app", "found_in": "", "booted": True, "path": "src/shop/web.py"}}
    about = {{"app": app, "findings": [], "checks": [], "criteria": [], "notes": []}}
    pathlib.Path(report[0]).write_text(json.dumps(about))
else:
    assert pathlib.Path(sys.argv[-1]).is_file()
    assert os.environ["PYTHONPATH"].split(":")[0] == str(pathlib.Path("src").absolute())
    assert os.environ["URL"] == "postgresql://localhost/shop"
    bytecode.touch()
"""


def test_checks_and_import_are_timed_cold_then_warm_in_one_copy(tmp_path):
    """The checks write no bytecode, the import does; the test that imports the app is gone when the checks run."""
    from field import running

    (case,) = _read(tmp_path, [{**APP, "subdir": ""}])
    log = tmp_path / "log"
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / ".env.example").write_text('# what it needs\nURL="postgresql://${DB_HOST}/shop"\n')
    pytest_ = tmp_path / "venv" / "bin" / "pytest"
    pytest_.parent.mkdir(parents=True)
    pytest_.write_text(PYTEST.format(python=sys.executable, log=str(log)))
    pytest_.chmod(0o755)
    trial = running.Trial(case, tmp_path / "checkout", tmp_path / "venv")
    outcome = running.run(trial, running.Variables({}, {"DB_HOST": "localhost"}), "bare", 60, rounds=2)

    assert log.read_text().split("\n")[:-1] == ["check cold", "import cold", *(["import warm", "check warm"] * 2)]
    assert None not in (outcome.import_seconds, outcome.import_cold_seconds)
    assert (outcome.seconds > 0, outcome.cold_seconds > 0) == (True, True)
    assert [one.name for one in (tmp_path / "checkout").iterdir()] == [".env.example"]
