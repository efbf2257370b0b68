from __future__ import annotations

import pytest

from pytest_asyncdb.facts.app import find_app
from pytest_asyncdb.facts.examples import filled_in
from pytest_asyncdb.model.settings import Settings

APP = "from fastapi import FastAPI\napp = FastAPI()\n"
EXAMPLE = "SHOP_TOKEN=change-me\nSHOP_EMPTY=\nSHOP_URL=http://${SHOP_TOKEN}/\n"


def filled(project, files, env=()):
    made = project({"main.py": APP, **files})
    settings = Settings(made.root, env=env)
    return filled_in(made, find_app(made, settings), settings)


@pytest.mark.parametrize("name", [".env.example", ".env.sample", ".env.dist", "env.example"])
def test_example_is_read_where_there_is_no_env_file(project, name):
    found = filled(project, {name: EXAMPLE})
    assert found is not None
    assert found.values == (("SHOP_TOKEN", "change-me"), ("SHOP_URL", "http://change-me/"))
    assert str(found) == f"settings filled in from {name}: SHOP_TOKEN, SHOP_URL"
    assert "change-me" not in repr(found)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".env": "OTHER=1\n", ".env.example": EXAMPLE},
        {".env.local": "OTHER=1\n", ".env.example": EXAMPLE},
        {"other/.env.example": EXAMPLE},
        {".env.example": "SHOP_EMPTY=\n"},
    ],
)
def test_nothing_to_fill_in(project, files):
    assert filled(project, files) is None


def test_what_is_given_stays(project, monkeypatch):
    monkeypatch.setenv("SHOP_URL", "mine")
    assert filled(project, {".env.example": EXAMPLE}, env=(("SHOP_TOKEN", "mine"),)) is None
