from __future__ import annotations

import threading
from itertools import islice

import pytest

from pytest_asyncdb.sandbox.doing import doing
from pytest_asyncdb.waiting import Waiting, moments

HURRY = "from itertools import count\nimport pytest_asyncdb.waiting as w\nw.moments = lambda: count(0.25, 0.25)\n"
SLOW = "import threading\n\nthreading.Event().wait(0.9)\n"


@pytest.fixture
def slow(healthy, tmp_path):
    """A project that takes its time in each phase, and how to run it with a line told each quarter of a second."""
    (tmp_path / "hurry.py").write_text(HURRY)
    healthy.write("src/core/slow.py", SLOW)
    healthy.change("src/main.py", "from src.api import", "import src.core.slow  # noqa: F401\nfrom src.api import")
    healthy.change("src/main.py", "    yield", "    await asyncio.sleep(0.9)\n    yield")
    healthy.change("src/main.py", "import logging", "import asyncio\nimport logging")
    healthy.change("src/core/database.py", "expire_on_commit=False", "expire_on_commit=False, autocommit=False")
    line = (healthy.root / "src/main.py").read_text().split("\n").index("    await asyncio.sleep(0.9)") + 1

    def run(*arguments: str):
        options = ("-p", "hurry", "--asyncdb-check", "-m", "asyncdb_check", *arguments)
        return healthy.pytest(*options, PYTHONPATH=str(tmp_path)), line

    return run


def test_each_phase_that_takes_long_is_named_with_where_it_stands(slow):
    run, line = slow()
    assert run.code == 0, run.output
    run.says(
        "asyncdb: still importing src.main:app (",
        " s, now at src/core/slow.py:3, in threading.py:",
        "asyncdb: still waiting for the app's startup (",
        f" s, now at src/main.py:{line})",
        "asyncdb: still trying the fixes on copies of the project (",
        "s); importing src.main:app (",
    )


def test_it_is_told_with_few_words_and_not_with_none(slow):
    run, _ = slow("-q")
    run.says("asyncdb: still importing src.main:app (")
    run, _ = slow("-qq")
    assert "still" not in run.output


def test_lines_come_at_growing_intervals():
    assert list(islice(moments(), 5)) == [10, 30, 60, 120, 180]


def test_nothing_is_told_without_a_listener_or_before_it_is_time():
    told, before = [], threading.active_count()
    with Waiting() as silent, silent.on("quokka"):
        assert threading.active_count() == before
    with Waiting(told.append) as waiting, waiting.on("quokka"):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert told == []


def test_the_phase_is_the_last_one_that_began():
    begun = [{"t": "begin", "name": "import"}, {"t": "at", "place": {"path": "a.py", "line": 3}, "package": ""}]
    over = [*begun, {"t": "phase", "name": "import", "ok": True}]
    assert doing([], "a:app") == ("importing a:app", "")
    assert doing(begun, "a:app") == ("importing a:app", "now at a.py:3")
    assert doing(over, "a:app") == ("", "")
    assert doing([*over, {"t": "begin", "name": "migrate"}], "a:app") == ("running the migrations", "")
