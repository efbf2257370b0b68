"""The project's own migrations, run for real."""

from __future__ import annotations

import pytest
from migrating_by_hand import ASYNC_ENV, CREATE, INI, SYNC_ENV, URL, version
from sqlalchemy import create_engine, inspect

from pytest_asyncdb.facts.project import App
from pytest_asyncdb.model.place import Place


def tables(database):
    engine = create_engine(database.url("postgresql+psycopg"))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_asynchronous_environment(migrate, database):
    found, done = migrate()
    assert (found.config, found.script, found.cwd) == ("alembic.ini", "alembic/env.py", ".")
    assert (done.ok, done.applied, done.heads, done.unjudged) == (True, ("0001",), (), "")
    assert tables(database) == {"alembic_version", "users"}


def test_synchronous_environment_of_a_backend_with_psycopg(migrate, database):
    files = {
        "alembic.ini": None,
        "main.py": None,
        "alembic/env.py": None,
        "alembic/versions/0001_users.py": None,
        "backend/shop/main.py": "from shop.settings import URL\n",
        "backend/shop/__init__.py": "",
        "backend/shop/settings.py": f"URL = {URL.replace('asyncpg', 'psycopg')!r}\n",
        "backend/alembic.ini": "[alembic]\nscript_location = shop/migrations\n",
        "backend/shop/migrations/env.py": "from shop.settings import URL\n"
        + SYNC_ENV.replace("context.config.get_section(context.config.config_ini_section)", '{"sqlalchemy.url": URL}'),
        "backend/shop/migrations/versions/0001.py": version(),
    }
    app = App("shop.main:app", factory=False, found_in="", import_root="backend", cwd="backend", framework=None,
              module_path="backend/shop/main.py")  # fmt: skip
    found, done = migrate(files, app)
    assert (found.config, found.script, found.cwd) == (
        "backend/alembic.ini",
        "backend/shop/migrations/env.py",
        "backend",
    )
    assert done.ok, done
    assert "users" in tables(database)


def test_configuration_in_pyproject(migrate, database):
    pytest.importorskip("alembic", minversion="1.16")
    files = {
        "alembic.ini": None,
        "pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/alembic"\n',
        "alembic/env.py": ASYNC_ENV.replace(
            "options = context.config.get_section(context.config.config_ini_section)",
            f'options = {{"sqlalchemy.url": {URL!r}}}',
        ),
    }
    found, done = migrate(files)
    assert (found.config, done.ok) == ("pyproject.toml", True), done
    assert "users" in tables(database)


def test_a_url_that_the_program_hands_over_is_replaced(migrate, database):
    _, done = migrate({"alembic.ini": INI.replace(f"sqlalchemy.url = {URL}\n", "")})
    assert (done.ok, done.applied) == (True, ("0001",))
    assert "users" in tables(database)


def test_a_connection_that_the_program_hands_over_is_not_judged(migrate):
    env = "from alembic import context\nconnection = context.config.attributes['connection']\n"
    _, done = migrate({"alembic/env.py": env})
    assert not done.ok
    assert "`config.attributes`" in done.unjudged


def test_several_heads_are_told_and_all_upgraded(migrate, database):
    other = version("0002", None, CREATE.replace("users", "orders"))
    found, done = migrate({"alembic/versions/0002.py": other})
    assert (done.ok, sorted(done.heads), sorted(done.applied)) == (True, ["0001", "0002"], ["0001", "0002"])
    assert not found.upgrades_heads
    assert {"users", "orders"} <= tables(database)


def test_a_missing_revision_is_found_where_it_is_named(migrate):
    found, done = migrate({"alembic/versions/0001_users.py": version(parent="0000")})
    assert (done.error.type, done.error.message) == ("KeyError", "'0000'")
    assert dict(found.parents) == {"0000": Place("alembic/versions/0001_users.py", 5, 18)}


def test_an_asynchronous_url_in_a_synchronous_environment(migrate):
    _, done = migrate({"alembic/env.py": SYNC_ENV})
    assert done.error.type == "sqlalchemy.exc.MissingGreenlet"
    assert done.error.place == Place("alembic/env.py", 5, 6)


def test_no_part_of_a_password_in_an_error_about_percent_signs(migrate):
    ini = INI.replace(URL, "postgresql+asyncpg://app:Pr0d%40s3cret@db.example/shop")
    found, done = migrate({"alembic.ini": ini})
    assert done.error.type == "configparser.InterpolationSyntaxError"
    assert done.error.message == "'%' must be followed by '%' or '('"
    assert found.url_place == Place("alembic.ini", 4)
    assert [ini[one.start : one.end + 2] for one in found.percents] == ["%40"]

    call = f"context.config.set_main_option('sqlalchemy.url', '{URL}?password=Pr0d%40s3cret')"
    _, done = migrate({"alembic/env.py": f"from alembic import context\n\n{call}\n"})
    assert (done.error.type, done.error.message) == ("ValueError", "invalid interpolation syntax")


def test_percent_signs_that_are_doubled_or_begin_a_placeholder_are_fine(migrate):
    ini = INI.replace(URL, "postgresql+asyncpg://%(user)s:a%%40b%%%%c@db.example/shop\nuser = app")
    found, _ = migrate({"alembic.ini": ini})
    assert found.percents == ()


@pytest.mark.parametrize("url", ["sqlite:///./shop.db", "mysql+aiomysql://app@db.example/shop"])
def test_other_databases_are_not_touched(migrate, tmp_path, url):
    _, done = migrate({"alembic.ini": INI.replace(URL, url), "alembic/env.py": SYNC_ENV})
    assert not done.ok
    assert url.partition(":")[0].partition("+")[0] in done.unjudged
    assert "not for Postgres" in done.unjudged
    assert list(tmp_path.rglob("*.db")) == []


def test_what_never_ends_and_what_ends_the_process(migrate):
    _, done = migrate({"alembic/env.py": "import time\n\ntime.sleep(60)\n"}, migrate_timeout=4.0)
    assert (done.ok, done.timed_out, done.stuck_at.path, done.stuck_at.line) == (False, True, "alembic/env.py", 3)
    script = "alembic/versions/0001_users.py"
    _, done = migrate({script: version(upgrade="import os; os._exit(3)")})
    assert (done.ok, done.ended, done.stuck_at.path) == (False, "os._exit", script)


def test_nothing_else_is_reached(migrate):
    script = version(upgrade="import socket; socket.create_connection(('203.0.113.7', 5432))")
    _, done = migrate({"alembic/versions/0001_users.py": script})
    assert (done.ok, done.refused) == (False, "refused a connection to 203.0.113.7:5432")


def test_advanced_alchemy_is_asked_through_the_apps_own_configuration(migrate, database):
    files = {
        "alembic.ini": None,
        "main.py": f"""
            from advanced_alchemy.config import AlembicAsyncConfig, SQLAlchemyAsyncConfig
            from fastapi import FastAPI

            def create_app():
                app = FastAPI()
                alembic = AlembicAsyncConfig(script_location="alembic")
                app.config = SQLAlchemyAsyncConfig(connection_string={URL!r}, alembic_config=alembic)
                return app
        """,
        "alembic/env.py": """
            import asyncio
            from alembic import context
            from advanced_alchemy.base import orm_registry

            def migrate(connection):
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()

            async def upgrade():
                async with context.config.engine.connect() as connection:
                    await connection.run_sync(migrate)

            asyncio.run(upgrade())
        """,
    }
    app = App("main:create_app", factory=True, found_in="", import_root=".", cwd=".", framework="fastapi",
              module_path="main.py")  # fmt: skip
    found, done = migrate(files, app)
    assert (found.kind, done.ok, done.applied) == ("advanced-alchemy", True, ("0001",)), done
    assert "users" in tables(database)
