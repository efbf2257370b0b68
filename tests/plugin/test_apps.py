"""Projects with no app, with one that is started in a strange way, and with several."""

from __future__ import annotations

import json

import pytest

LIBRARY = """\
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import sessionmaker

factory = sessionmaker(class_=AsyncSession)
"""
PAY = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://pay:pay@db.internal/pay?sslmode=require")


@asynccontextmanager
async def lifespan(app):
    async with engine.begin() as connection:
        await connection.execute(text("select 1"))
    yield


app = FastAPI(lifespan=lifespan)
"""


@pytest.fixture
def library(healthy):
    for path in sorted((healthy.root / "src").rglob("*.py")):
        path.unlink()
    healthy.write("lib/store.py", LIBRARY)
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    return healthy


def test_a_project_whose_app_is_not_found_is_read_and_fails(library):
    run = library.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("asyncdb: no app found; only the sources were read", "lib/store.py:4", "ADB501", "asyncdb_app = none")
    assert "ADB701" in run.output[run.output.index("Not judged") :]
    assert "no app was found, so nothing was booted" in " ".join(run.output.split())


def test_a_project_can_say_that_it_has_no_app(library):
    library.write("pytest.ini", "[pytest]\nasyncdb_app = none\n")
    run = library.pytest("--asyncdb-check", "--asyncdb-report=out.json")
    assert run.code == 0, run.output
    run.says("asyncdb: no app; only the sources were read", "lib/store.py:4", "test_own.py .")
    report = json.loads((library.root / "out.json").read_text())
    assert (report["app"], report["server"], report["incomplete"]) == (None, None, "")
    assert {one["proof"] for each in report["findings"] for one in each["fixes"]} == {"not-run"}


def test_each_app_of_a_monorepo_is_checked(healthy):
    healthy.git("mv", "-k", *(path.name for path in healthy.root.iterdir() if path.name not in {".git", "shop"}), ".")
    (healthy.root / "shop").mkdir()
    for path in list(healthy.root.iterdir()):
        if path.name not in {".git", "shop"}:
            path.rename(healthy.root / "shop" / path.name)
    healthy.write("pay/main.py", PAY)
    healthy.write("pay/requirements.txt", "fastapi\nsqlalchemy[asyncio]\nasyncpg\n")
    healthy.write("pay/Procfile", "web: uvicorn main:app\n")
    run = healthy.pytest("--asyncdb-check", "--asyncdb-report=out.json", "--asyncdb-fix")
    run.says("app pay/main.py:app, from pay/Procfile:1", "app shop/src/main.py:app, from shop/", "ADB303")
    report = json.loads((healthy.root / "out.json").read_text())
    assert {(one["path"], one["booted"]) for one in report["apps"]} == {
        ("pay/main.py", False),
        ("shop/src/main.py", True),
    }
    assert {(one["path"], *one["apps"]) for one in report["findings"] if one["severity"] == "blocks"} == {
        ("pay/main.py", "pay/main.py:app")
    }
    assert report["applied"] == ["pay/main.py"]
    again = healthy.pytest("--asyncdb-check")
    assert again.code == 0, again.output
