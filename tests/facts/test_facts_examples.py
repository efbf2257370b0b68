from __future__ import annotations

import pytest

from pytest_asyncdb.facts.app import find_app
from pytest_asyncdb.facts.examples import Filled, filled_in, secrets_elsewhere
from pytest_asyncdb.model.settings import Settings

APP = "from fastapi import FastAPI\napp = FastAPI()\n"
EXAMPLE = "SHOP_FILE=conf/<name of a file>\nSHOP_TOKEN=change-me\nSHOP_EMPTY=\nSHOP_URL=http://${SHOP_TOKEN}/\n"


def filled(project, files, env=()):
    made = project({"main.py": APP, **files})
    settings = Settings(made.root, env=env)
    return filled_in(made, find_app(made, settings), settings)


def notes(found):
    return list(found.notes())


@pytest.mark.parametrize(
    "name", [".env.example", ".env.sample", ".env.dist", ".env.template", "env.example", "example.env"]
)
def test_example_is_read_where_there_is_no_env_file(project, name):
    found = filled(project, {name: EXAMPLE})
    assert found.values == (("SHOP_TOKEN", "change-me"), ("SHOP_URL", "http://change-me/"))
    assert notes(found) == [f"settings filled in from {name}: SHOP_TOKEN, SHOP_URL"]
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
    assert filled(project, files) == Filled()


def test_what_is_given_stays(project, monkeypatch):
    monkeypatch.setenv("SHOP_URL", "mine")
    assert filled(project, {".env.example": EXAMPLE}, env=(("SHOP_TOKEN", "mine"),)) == Filled()


READS = "import os\nurl = os.environ['SHOP_URL']\n"


def test_the_nearest_example_comes_first_and_others_add_to_it(project):
    files = {
        "shop.py": READS,
        ".env.example": "SHOP_TOKEN=near\n",
        "deploy/.env.sample": "SHOP_TOKEN=far\nSHOP_URL=http://far\n",
        "frontend/.env.example": "VITE_URL=http://web\n",
    }
    found = filled(project, files)
    assert found.values == (("SHOP_TOKEN", "near"), ("SHOP_URL", "http://far"))
    assert [path for path, _ in found.from_files] == [".env.example", "deploy/.env.sample"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class S(BaseSettings):\n    model_config = SettingsConfigDict(env_file='conf/prod.env')\n", "conf/prod.env"),
        ("class S(BaseSettings):\n    class Config:\n        env_file = ('a.env', '.env.real')\n", ".env.real"),
        ("class S(BaseSettings):\n    model_config = {'env_file': ROOT / 'settings.env'}\n", "app/settings.env"),
        ("from dotenv import load_dotenv\nload_dotenv()\n", "../.env"),
        ("from dotenv import load_dotenv\nload_dotenv(Path(__file__).parent / '.env')\n", "app/.env"),
        ("from dotenv import load_dotenv\nload_dotenv()\n", "app/.env"),
        ("from dotenv import load_dotenv\nload_dotenv(dotenv_path='my.env')\n", "my.env"),
        ("import environ\nenviron.Env.read_env(os.path.join(BASE, 'web.env'))\n", "web.env"),
        ("from environs import Env\nenv = Env()\nenv.read_env()\n", "app/.env"),
        ("from starlette.config import Config\nconfig = Config('shop.env')\n", "shop.env"),
        ("from decouple import Config, RepositoryEnv\nconfig = Config(RepositoryEnv('d.env'))\n", "d.env"),
    ],
)
def test_a_file_that_the_project_reads_leaves_nothing_to_fill_in(project, source, name):
    files = {"app/config.py": source, ".env.example": EXAMPLE}
    assert filled(project, files).from_files
    assert filled(project, {**files, name: "SHOP_OTHER=1\n"}) == Filled()


@pytest.mark.parametrize("name", ["../.env", "app/.env"])
def test_a_file_where_the_app_does_not_look_counts_for_nothing(project, name):
    source = "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_file='.env')\n"
    assert filled(project, {"app/config.py": source, ".env.example": EXAMPLE, name: "SHOP_OTHER=1\n"}).from_files


def test_a_file_at_home_counts_and_its_secrets_are_known(project, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    source = "class S(BaseSettings):\n    class Config:\n        env_file = '~/.env'\n"
    files = {"config.py": source, ".env.example": EXAMPLE}
    assert filled(project, files).from_files
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".env").write_text("SHOP_TOKEN=hush-quokka-417\n")
    assert filled(project, files) == Filled()
    made = project(files)
    assert "hush-quokka-417" in secrets_elsewhere(made, find_app(made, Settings(made.root)))


def test_what_is_made_up_is_told_by_name(project):
    found = filled(project, {".env.example": EXAMPLE}).with_made_up({"SHOP_URL": "x-value", "SHOP_NEW": "y-value"})
    assert dict(found.values) == {"SHOP_TOKEN": "change-me", "SHOP_URL": "x-value", "SHOP_NEW": "y-value"}
    first, second = notes(found)
    assert first == "settings filled in from .env.example: SHOP_TOKEN"
    assert second.startswith("2 settings made up, because there is no .env: SHOP_URL, SHOP_NEW ")
    assert "value" not in repr(found) + second
