"""What is said of a package that nothing declared brings, and how a driver is declared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from by_hand import APP, boot, error, facts, find

from pytest_asyncdb.facts.migrations import Migrations
from pytest_asyncdb.facts.python import Module
from pytest_asyncdb.model.fix import AddRequirement
from pytest_asyncdb.sandbox.record import MigrationRecord


def absent(name, importer="src.main"):
    return error("ModuleNotFoundError", f"No module named '{name}'", "src/main.py:1", name=name, importer=importer)


@pytest.mark.parametrize(
    ("importer", "by"),
    [("src.main", ""), ("litestar.concurrency", ", which `litestar` imports"), ("importlib", ""), ("", "")],
)
def test_who_imports_it_is_told_where_that_is_another_package(importer, by):
    own = (Module("src.main", "src/main.py", is_package=False, role="app"),)
    [finding] = find("ADB202", facts(boot=boot(absent("sniffio", importer)), modules=own))
    assert finding.root_cause == (
        f"Nothing that the project declares brings `sniffio`{by}: declare what does, and install it."
    )


@pytest.mark.parametrize(
    ("path", "above"), [("src/conf.py", "the folder of the project"), ("api/src/conf.py", "`api`")]
)
def test_a_folder_of_the_project_that_is_not_on_the_path_is_no_package(path, above):
    own = (Module("conf", path, is_package=False, role="app"),)
    app = replace(APP, import_root=path.rpartition("/")[0])
    [finding] = find("ADB202", facts(boot=boot(absent("src", "conf")), modules=own, app=app))
    assert finding.root_cause.startswith(f"`{app.import_root}/` is a folder of the project, and the app is imported")
    assert f"start the app with {above} on `PYTHONPATH`, too" in finding.root_cause


def test_other_errors_keep_their_cause():
    [finding] = find("ADB202", facts(boot=boot(error("ValueError", "no", "src/main.py:1"))))
    assert finding.root_cause.startswith("The line raises while the module is imported")


def migrating(driver, *more):
    failed = MigrationRecord("alembic upgrade head", error=absent(driver, "sqlalchemy.dialects"))
    requirements = ("sqlalchemy[asyncio]", "asyncpg", *more)
    booted = replace(boot(None), migration=failed)
    given = facts(boot=booted, requirements=requirements, versions={"psycopg": "3.2", "psycopg2-binary": "2.9"})
    given.migrations = Migrations("alembic", "alembic.ini", "alembic/env.py", ".")
    return given


@pytest.mark.parametrize(
    ("driver", "declared", "added"),
    [
        ("psycopg2", [], ["psycopg2-binary>=2.9.9"]),
        ("psycopg", [], ["psycopg[binary]>=3.1"]),
        ("psycopg2", ["psycopg"], []),
        ("psycopg", ["psycopg2-binary"], []),
        ("yaml", [], []),
    ],
)
def test_a_driver_that_only_the_migrations_need_is_declared_where_there_is_no_other(driver, declared, added):
    [finding] = find("ADB601", migrating(driver, *declared))
    assert [fix.changes for fix in finding.fixes] == [(AddRequirement("requirements.txt", one),) for one in added]
    assert f"brings `{driver}`" in finding.root_cause
