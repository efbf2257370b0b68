from __future__ import annotations

import pytest

from pytest_asyncdb.facts.app import AppNotFoundError, NoAppError, find_app
from pytest_asyncdb.model.settings import Settings

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FACTORY = "from fastapi import FastAPI\ndef create_app():\n    app = FastAPI()\n    return app\n"


def found(project, files, **settings):
    made = project(files)
    return find_app(made, Settings(made.root, **settings))


TWO = {"a/main.py": FASTAPI, "b/main.py": FASTAPI, "b/__init__.py": "", "a/__init__.py": ""}


@pytest.mark.parametrize(
    ("setting", "target", "factory"),
    [
        ("app.factory:create_app", "app.factory:create_app", True),
        ("app.factory:create_app()", "app.factory:create_app", True),
        ("b.main:app", "b.main:app", False),
        ("b.main", "b.main:app", False),
        ("tests.helper:app", "tests.helper:app", False),
        ("broken:anything", "broken:anything", False),
    ],
)
def test_what_the_user_names_wins(project, setting, target, factory):
    files = {
        **TWO,
        "app/factory.py": FACTORY,
        "tests/helper.py": FASTAPI,
        "broken.py": "def (",
        "Procfile": "uvicorn a.main:app",
    }
    app = found(project, files, app=setting)
    assert (app.target, app.factory, app.found_in) == (target, factory, "asyncdb_app")


def test_the_users_working_directory_wins(project):
    made = project({"api/main.py": FASTAPI, "run/x.txt": ""})
    assert find_app(made, Settings(made.root, cwd=made.root / "run")).cwd == "run"


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("no.such:app", ["asyncdb_app", "'no.such:app'", "no/such.py", "`main:app`"]),
        ("main:nothing", ["asyncdb_app", "main.py defines no `nothing`", "`main:app`"]),
        ("main app", ["asyncdb_app", "`module:attribute`"]),
    ],
)
def test_says_what_is_wrong_with_what_the_user_named(project, setting, parts):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    for part in parts:
        assert part in str(caught.value)


def test_says_what_was_looked_for(project):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"tests/main.py": FASTAPI, "lib.py": "x = 1"})
    message = str(caught.value)
    for part in (
        "[tool.fastapi]",
        "uvicorn",
        "Dockerfile",
        "create_app()",
        "2 Python files",
        "asyncdb_app",
        "--asyncdb-app",
    ):
        assert part in message


@pytest.mark.parametrize("setting", ["none", " None "])
def test_a_project_can_say_that_it_has_no_app(project, setting):
    with pytest.raises(NoAppError, match="asyncdb_app") as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    assert caught.value.declared
