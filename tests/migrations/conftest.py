from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from pytest_asyncdb.facts.migrations import described, find_migrations
from pytest_asyncdb.facts.project import App
from pytest_asyncdb.migrating import Migrator
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.databases import create_database, drop_database, fresh_name
from pytest_asyncdb.sandbox.launch import spawn
from pytest_asyncdb.sandbox.request import BootRequest
from pytest_asyncdb.sources.project import Project

sys.path.insert(0, str(Path(__file__).parent))  # the builders beside this file, whatever the import mode

APP = App("main:app", factory=False, found_in="", import_root=".", cwd=".", framework="fastapi", module_path="main.py")


@pytest.fixture
def project(tmp_path):
    """Write the healthy project with some files replaced, added, or (None) left out."""
    root = (tmp_path / "project").resolve()

    def write(**changed):
        from migrating_by_hand import PROJECT

        for name, text in {**PROJECT, **changed}.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(textwrap.dedent(text))
        return Project(root)

    return write


@pytest.fixture(scope="session")
def server():
    with choose("local").provider.serve() as server:
        yield server


@pytest.fixture
def database(server):
    made = create_database(server, fresh_name())
    yield made
    drop_database(server, made.database)


@pytest.fixture
def migrate(project, database):
    """Run the project's migrations on a database of their own: what was found, and what became of them."""

    def run(files=None, app=APP, **settings):
        source = project(**(files or {}))
        found = find_migrations(source, app)
        request = BootRequest(
            source.root, app.target, app.factory, source.root / app.import_root, source.root / app.cwd
        )
        migrator = Migrator(found, request, Settings(source.root, **settings), lambda asked: spawn(asked.python))
        try:
            migrator.complete(source.secrets)
            migrator.upgrade(database)
            done = migrator.record()
        finally:
            migrator.kill()
        text = repr(done)
        assert "s3cret" not in text
        assert database.password not in text
        assert list(source.root.rglob("__pycache__")) == []
        return described(source, found), done

    return run
