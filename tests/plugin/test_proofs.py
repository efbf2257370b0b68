from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest

from pytest_asyncdb.model.fix import AddRequirement, Fix, Replace
from pytest_asyncdb.model.place import Span
from pytest_asyncdb.proofs import Bench, Copy

COUNTS = "\nimport os\nwith open(os.environ['COUNTED'], 'a') as file: file.write('imported\\n')\n"
WHOSE = """
import os
with open(os.environ["COUNTED"], "a") as file, open(f"/proc/{os.getppid()}/cmdline") as parent:
    file.write("copy " if "nursery" in parent.read() else "new ")
"""
"""Tells whether the process is a copy of one that has the packages."""


def test_a_fix_of_requirements_alone_is_proven_by_the_boot_that_was_seen(healthy, tmp_path):
    healthy.change("requirements.txt", "sqlalchemy[asyncio]", "sqlalchemy")
    healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + COUNTS)
    counted = tmp_path / "counted"
    run = healthy.pytest("--asyncdb-check", COUNTED=str(counted))

    run.says("ADB103", "proven: nothing that runs is changed")
    assert counted.read_text() == "imported\n"


def test_a_fix_of_code_is_proven_by_a_boot_of_its_own(healthy, tmp_path):
    healthy.change("requirements.txt", "sqlalchemy[asyncio]", "sqlalchemy")
    healthy.change("src/core/database.py", "expire_on_commit=False", "expire_on_commit=False, autocommit=False")
    healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + WHOSE)
    counted = tmp_path / "counted"
    run = healthy.pytest("--asyncdb-check", COUNTED=str(counted))

    run.says("ADB103", "proven: the fixed copy imports, starts")
    second = "copy" if len(os.sched_getaffinity(0)) > 1 else "new"
    assert counted.read_text().split() == ["new", second]


def test_a_fix_of_an_example_file_is_proven_with_what_the_copy_has_in_it(healthy):
    url = "DATABASE_URL=postgresql+asyncpg://app:app@db.example.org/app?sslmode=require\n"
    (healthy.root / ".env").rename(healthy.root / ".env.example")
    text = (healthy.root / ".env.example").read_text()
    healthy.write(".env.example", re.sub(r"(?m)^DATABASE_URL=.*\n", url, text))
    run = healthy.pytest("--asyncdb-check", "-m", "asyncdb_check")

    run.says(".env.example", "ADB303", "proven: the fixed copy imports, starts")


def test_nothing_is_proven_by_an_app_that_does_not_import(healthy):
    healthy.change("requirements.txt", "sqlalchemy[asyncio]", "sqlalchemy")
    healthy.change("requirements.txt", "fastapi>=0.115.0", "fastapi<0.1")
    healthy.change("src/main.py", "import logging\n", "import logging\nimport fastapi.routing\nfastapi.routing.Gone\n")
    run = healthy.pytest("--asyncdb-check", "-m", "asyncdb_check")

    run.says("but `fastapi` ", "ADB103", "not run: the copy is rid of it, but does not import")


ALONE = "\nimport fcntl\nheld = open(os.environ['HELD'], 'w')\nfcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
MEET = """
import time
if "copy-" in __file__:
    while open(os.environ["COUNTED"]).read().count("imported") < 3:
        time.sleep(0.01)
"""


@pytest.fixture
def two_kinds(healthy):
    """A project with a fix that is safe and one that is not, both in code; returns how its app is changed and run."""
    healthy.change("src/core/database.py", "expire_on_commit=False", "autocommit=False")

    def run(tmp_path, more: str):
        healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + COUNTS + more)
        counted = tmp_path / "counted"
        done = healthy.pytest(
            "--asyncdb-check", "-m", "asyncdb_check", "-o", "asyncdb_import_timeout=15", COUNTED=str(counted),
            HELD=str(tmp_path / "held"),
        )  # fmt: skip
        done.says("(safe; proven)", "(unsafe, not applied by itself; proven)")
        return counted.read_text().count("imported")

    return run


def test_the_copies_of_safe_and_of_all_fixes_run_side_by_side(two_kinds, tmp_path):
    assert two_kinds(tmp_path, MEET) == 3


def test_what_two_copies_cannot_both_have_disproves_no_fix(two_kinds, tmp_path):
    """One copy finds the file locked by the other one, fails, and is booted once more when that is gone."""
    assert two_kinds(tmp_path, ALONE) > 3


def test_a_copy_that_runs_the_same_is_not_booted():
    """Of a larger set of fixes only requirements may be left, or nothing when the others contradict the smaller set."""
    texts = {"app.py": "autocommit=False", "requirements.txt": "sqlalchemy\n"}
    declared = SimpleNamespace(files=("requirements.txt",))
    first = SimpleNamespace(project=SimpleNamespace(text=texts.__getitem__), facts=SimpleNamespace(declared=declared))
    bench = Bench(first, None, None, None, None, None)
    whole = Span("app.py", 1, 1, 0, 16)
    code = Fix("", (Replace(whole, "autoflush=False"),), safe=True, why="")
    other = Fix("", (Replace(whole, "autocommit=True"),), safe=False, why="")
    declares = Fix("", (AddRequirement("requirements.txt", "greenlet"),), safe=False, why="")
    small = Copy(bench, [code], "small")
    assert not small.runs_other(Copy(bench, [code, declares], "large").texts)
    assert not small.runs_other(Copy(bench, [code, other], "large").texts)
    assert small.runs_other(Copy(bench, [other], "large").texts)
