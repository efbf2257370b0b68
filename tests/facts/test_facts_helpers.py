# ruff: noqa: E501 - small projects, one a line
"""The project's own code between a setting and an engine's URL: where it stands, and how it can be run."""

from __future__ import annotations

import pytest

NEW = "import os\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
SETTINGS = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
TO_ASYNC = "def to_async(url):\n    return url.replace('postgresql://', 'postgresql+asyncpg://')\n"


def helper(about):
    (only,) = about.url_helpers
    return only


@pytest.mark.parametrize(
    ("files", "place", "call", "variables"),
    [
        ({"db.py": NEW + "e = create_async_engine(os.environ['DATABASE_URL'].replace('postgres://', 'postgresql+asyncpg://'))\n"}, "db.py:3", "", ("DATABASE_URL",)),
        ({"db.py": NEW + TO_ASYNC + "e = create_async_engine(to_async(os.getenv('DB_URL', '')))\n"}, "db.py:3", "", ("DB_URL",)),
        ({"db.py": NEW + TO_ASYNC + "def make():\n    return create_async_engine(to_async(os.getenv('DB_URL', '')))\n"}, "db.py:3", "make()", ("DB_URL",)),
        ({"config.py": SETTINGS + "    database_url: str\n    @property\n    def url(self):\n        return self.database_url.replace('postgres://', 'postgresql+asyncpg://')\nsettings = Settings()\n", "db.py": NEW + "from config import settings\ne = create_async_engine(settings.url)\n"}, "config.py:6", "", ("database_url", "DATABASE_URL")),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\n    @field_validator('DATABASE_URL')\n    def fix(cls, value):\n        return value.replace('postgres://', 'postgresql+asyncpg://')\nsettings = Settings()\n", "db.py": NEW + "from config import settings\ne = create_async_engine(settings.DATABASE_URL)\n"}, "config.py:5", "", ("DATABASE_URL",)),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\ndef get():\n    return Settings()\n", "db.py": NEW + TO_ASYNC + "from config import Settings, get\ndef make(settings: Settings = Depends(get)):\n    return create_async_engine(to_async(settings.DATABASE_URL))\n"}, "db.py:3", "make(settings=_asyncdb_load('config', 'Settings')())", ("DATABASE_URL",)),
        ({"db.py": NEW + TO_ASYNC + "class Database:\n    def __init__(self, url: str):\n        self.engine = create_async_engine(to_async(url))\ndef get():\n    return Database(os.environ['DATABASE_URL'])\n"}, "db.py:3", "get()", ("DATABASE_URL",)),
        ({"db.py": NEW + TO_ASYNC + "def make(url: str):\n    return create_async_engine(to_async(url))\n"}, "db.py:3", "make(url=_asyncdb_url)", ()),
        ({"db.py": NEW + "class Config(BaseModel):\n    backend: str\n    postgres_url: str\n    @property\n    def url(self):\n        if self.backend == 'postgres':\n            return self.postgres_url.replace('postgresql://', 'postgresql+asyncpg://')\ndef make(config):\n    return create_async_engine(config.url)\n"}, "db.py:9", "make(config=_asyncdb_load('db', 'Config')(postgres_url=_asyncdb_url, backend='postgres'))", ()),
    ],
)  # fmt: skip
def test_helpers_are_found_and_can_be_called(facts, files, place, call, variables):
    found = helper(facts(files))
    assert str(found.place).rpartition(":")[0] == place
    assert (found.request.module, found.request.call, found.request.variables) == ("db", call, variables)
    assert found.about_schemes
    assert found.request.driver == ""


def test_a_branch_is_chosen_by_a_variable(facts):
    code = (
        "def to_async(kind, url):\n    if kind == 'pgsql':\n        return 'postgresql+asyncpg://' + url\n    return url\n"
        "e = create_async_engine(to_async(os.getenv('STORAGE_TYPE', 'local').lower(), os.getenv('STORAGE_URL')))\n"
    )
    request = helper(facts({"db.py": NEW + code})).request
    assert (request.variables, request.constants) == (("STORAGE_URL",), (("STORAGE_TYPE", "pgsql"),))


def test_what_leaves_the_scheme_alone_gets_urls_with_a_driver(facts):
    code = "URL = os.environ['DATABASE_URL']\nif 'sslmode=' in URL:\n    URL = URL.split('?')[0]\ne = create_async_engine(URL)\n"
    assert helper(facts({"db.py": NEW + code})).request.driver == "asyncpg"


def test_packages_are_those_that_the_module_leads_to(facts):
    files = {
        "db.py": NEW + TO_ASYNC + "import own\ne = create_async_engine(to_async(os.environ['DB_URL']))\n",
        "own.py": "import httpx\ndef f():\n    import never\n",
    }
    packages = helper(facts(files)).request.packages
    assert {"sqlalchemy.ext.asyncio", "httpx"} <= set(packages)
    assert not {"own", "never"} & set(packages)


def test_packages_of_parents_and_of_what_is_loaded_by_name_count(facts):
    files = {
        "shop/__init__.py": "import anyio\n",
        "shop/settings.py": "import httpx\nclass Db(BaseModel):\n    url: str\n",
        "shop/db.py": NEW
        + TO_ASYNC
        + "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.settings import Db\ndef make(settings: 'Db'):\n    return create_async_engine(to_async(settings.url))\n",
    }
    request = helper(facts(files)).request
    assert request.call == "make(settings=_asyncdb_load('shop.settings', 'Db')(url=_asyncdb_url))"
    assert {"anyio", "httpx", "sqlalchemy.ext.asyncio"} <= set(request.packages)


@pytest.mark.parametrize(
    "code",
    [
        "e = create_async_engine(os.environ['DATABASE_URL'])\n",
        "e = create_async_engine(str(os.getenv('DATABASE_URL', 'postgresql+asyncpg://h/d')))\n",
        "e = create_async_engine(f\"postgresql+asyncpg://{os.environ['DB_USER']}@{os.environ['DB_HOST']}/d\")\n",
        "e = create_async_engine(f\"postgresql+asyncpg://{os.environ['DB_HOST']}/{os.environ['db']}\")\n",
        "e = create_async_engine(os.environ['REDIS_URL'].replace('a', 'b'))\n",
        "e = create_async_engine('postgres://h/d'.replace('postgres://', 'postgresql+asyncpg://'))\n",
    ],
)
def test_what_is_no_helper_or_takes_no_url(facts, code):
    assert facts({"db.py": NEW + code}).url_helpers == ()


def test_hints_at_providers(facts):
    files = {
        "README.md": "Deploy to Heroku",
        "fly.toml": "app = 'x'",
        "main.py": "# not on supabase\n",
        "package-lock.json": "railway",
    }
    assert facts(files).hosting >= {"heroku", "fly.toml", "supabase"}
    assert "railway" not in facts(files).hosting


def test_a_configuration_is_found_by_its_property_in_a_large_project(facts):
    files = {
        "filler.py": f"TEXT = '{'a' * 700_000}'\n",
        "config.py": "class Config:\n    shop_url: str\n    @property\n    def async_url(self):\n        return self.shop_url.replace('postgres://', 'postgresql+asyncpg://')\n",
        "db.py": NEW + "def make(config):\n    return create_async_engine(config.async_url)\n",
    }
    assert facts(files).url_helpers == ()  # `shop_url` does not say that it is a database's
    files["config.py"] = files["config.py"].replace("shop_url", "database_url")
    assert (
        helper(facts(files)).request.call == "make(config=_asyncdb_load('config', 'Config')(database_url=_asyncdb_url))"
    )
