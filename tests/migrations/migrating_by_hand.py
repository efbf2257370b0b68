"""Files of a small project with Alembic migrations that go through."""

from __future__ import annotations

URL = "postgresql+asyncpg://app:Pr0duction-s3cret!x@db.example/shop"
INI = f"""\
[alembic]
script_location = %(here)s/alembic
prepend_sys_path = .
sqlalchemy.url = {URL}
"""
ASYNC_ENV = """\
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config
from sqlalchemy.pool import NullPool


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def upgrade():
    options = context.config.get_section(context.config.config_ini_section)
    engine = async_engine_from_config(options, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(upgrade())
"""
SYNC_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config

engine = engine_from_config(context.config.get_section(context.config.config_ini_section))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
USERS = """\
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {parent}


def upgrade():
    {upgrade}
"""
CREATE = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'


def version(revision="0001", parent=None, upgrade=CREATE):
    return USERS.format(revision=revision, parent=repr(parent), upgrade=upgrade)


PROJECT = {
    "main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
    "alembic.ini": INI,
    "alembic/env.py": ASYNC_ENV,
    "alembic/versions/0001_users.py": version(),
}
