"""A whole check of a project whose tables come from its migrations."""

from __future__ import annotations

import pytest

from pytest_asyncdb.model.fix import Proof
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.run import analyse

URL = "postgresql+asyncpg://shop@localhost/shop?sslmode=require"
SETTINGS = f"URL = {URL!r}\n"
ENV = """
import asyncio

from alembic import context
from settings import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def upgrade():
    engine = create_async_engine(URL, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(upgrade())
"""
MAIN = """
import asyncio
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from fastapi import FastAPI
from settings import URL
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(URL, pool_pre_ping=True)


@asynccontextmanager
async def lifespan(app):
    await asyncio.to_thread(command.upgrade, Config("alembic.ini"), "head")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT count(*) FROM users"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    async with engine.connect() as connection:
        await connection.execute(text("SELECT count(*) FROM orders"))
    return {}
"""


def test_the_copy_is_migrated_too_and_what_no_migration_makes_is_a_fault(project):
    source = project(
        **{
            "requirements.txt": "alembic\nasyncpg\nfastapi\nsqlalchemy[asyncio]\n",
            "settings.py": SETTINGS,
            "main.py": MAIN,
            "alembic/env.py": ENV,
        }
    )

    result = analyse(Settings(source.root))

    found = {one.finding.id: one for one in result.findings}
    assert set(found) == {"ADB303", "ADB706"}
    assert found["ADB303"].finding.place.path == "settings.py"
    # The startup of the copy got its table, and ran the migrations once more without harm: only the route is left.
    (outcome,) = found["ADB303"].fixes
    assert (outcome.proof, "rid of it, but stops at ADB706" in outcome.why) == (Proof.NOT_RUN, True)
    assert "`orders`" in found["ADB706"].finding.root_cause


def test_an_app_that_wants_more_settings_than_there_are_rounds_is_told_whole(project, monkeypatch):
    monkeypatch.setattr("pytest_asyncdb.boots._ROUNDS", 1)
    main = "import os\nfrom fastapi import FastAPI\nfor name in ('SHOP_A', 'SHOP_B', 'SHOP_C'):\n    os.environ[name]\n"
    result = analyse(Settings(project(**{"main.py": f"{main}app = FastAPI()\n"}).root))
    assert [(one.finding.id, one.finding.place.line) for one in result.findings] == [("ADB205", 4)]
    assert any("prepared the database" in note for note in result.notes)  # they ended in this round too


SQLITE = """
import os

from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

url = os.getenv("SHOP_URL", "sqlite://")
engine = create_engine(url) if url == "sqlite://" else create_async_engine(url.replace("l:", "l+asyncpg:"))
app = FastAPI(on_startup=[])


async def check():
    {check}


app.router.on_startup.append(check)


@app.get("/ready")
async def ready():
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {{}}
"""


@pytest.mark.parametrize(
    ("check", "judged"),
    [("pass", True), ("assert engine.name == 'sqlite'", False)],
    ids=["on Postgres", "back on sqlite"],
)
def test_an_app_whose_default_is_sqlite_is_tried_on_postgres(project, check, judged):
    files = {"main.py": SQLITE.format(check=check), "requirements.txt": "fastapi\nsqlalchemy[asyncio]\nasyncpg\n"}
    result = analyse(Settings(project(**files, **{"alembic.ini": None}).root))
    assert any("made up, because there is no .env: SHOP_URL" in note for note in result.notes) is judged
    reasons = {one.id: one.reason for one in result.checks}
    assert (reasons["ADB714"] == "the app works on sqlite, not on Postgres") is not judged
    assert "ADB701" not in [one.finding.id for one in result.findings]
