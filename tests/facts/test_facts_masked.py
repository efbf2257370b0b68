from __future__ import annotations

import pytest

HEAD = """\
import os
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from alembic.config import Config
from config import settings
URL_HERE = "postgresql+asyncpg://shop:change-me@localhost/shop"
engine = create_async_engine(URL_HERE)
of_environment = create_async_engine(os.environ["DATABASE_URL"])
local = create_async_engine("sqlite+aiosqlite:///app.db")
def get_engine():
    return engine
parts = URL.create("postgresql+asyncpg", "shop", "change-me", "localhost")
no_password = URL.create("postgresql+asyncpg", "shop", host="localhost")
config = Config("alembic.ini")
def given(url: URL, pool: AsyncEngine):
"""
SETTINGS = """\
from pydantic import PostgresDsn
from pydantic_settings import BaseSettings
from sqlalchemy import URL

class Settings(BaseSettings):
    DATABASE_URL: PostgresDsn
    PASSWORD: str

    @property
    def url(self) -> URL:
        return URL.create("postgresql+asyncpg", "shop", self.PASSWORD, "localhost")

    @property
    def text(self) -> str:
        return str(self.url)

settings = Settings()
"""


def texts(facts, code, **more):
    return facts({"config.py": SETTINGS, "db.py": f"{HEAD}    {code}\n"} | more).masked_texts


@pytest.mark.parametrize(
    ("url", "scheme", "has_password"),
    [
        ("str(engine.url)", "postgresql+asyncpg", True),
        ("repr(engine.url)", "postgresql+asyncpg", True),
        ("engine.url.render_as_string()", "postgresql+asyncpg", True),
        ("f'{engine.url}'", "postgresql+asyncpg", True),
        ("f'{engine.url}?ssl=require'", "postgresql+asyncpg", True),
        ("str(engine.url) + '?ssl=require'", "postgresql+asyncpg", True),
        ("str(engine.url).replace('+asyncpg', '')", "postgresql+asyncpg", True),
        ("str(engine.url).split('?')[0]", "postgresql+asyncpg", True),
        ("str(get_engine().url)", "postgresql+asyncpg", True),
        ("str(engine.sync_engine.url)", "postgresql+asyncpg", True),
        ("str(engine.url.set(database='other'))", "postgresql+asyncpg", True),
        ("str(make_url(URL_HERE))", "postgresql+asyncpg", True),
        ("str(parts)", "postgresql+asyncpg", True),
        ("str(settings.url)", "postgresql+asyncpg", True),
        ("settings.text", "postgresql+asyncpg", True),
        ("os.getenv('OTHER') or str(parts)", "postgresql+asyncpg", True),
        ("str(no_password)", "postgresql+asyncpg", False),
        ("str(of_environment.url)", "", None),
        ("str(url)", "", None),
        ("str(pool.url)", "", None),
        ("str(local.url)", "sqlite+aiosqlite", None),
    ],
)
def test_a_text_that_has_lost_its_password(facts, url, scheme, has_password):
    (text,) = texts(facts, f"return create_async_engine({url})")
    assert (text.taker, text.scheme, text.has_password) == ("create_async_engine", scheme, has_password)
    (text,) = texts(facts, f"config.set_main_option('sqlalchemy.url', {url})")
    assert (text.taker, text.scheme, text.has_password) == ("set_main_option", scheme, has_password)


@pytest.mark.parametrize(
    "code",
    [
        "create_async_engine(engine.url)",
        "create_async_engine(engine.url.render_as_string(hide_password=False))",
        "create_async_engine(str(settings.DATABASE_URL))",
        "create_async_engine(str(os.environ['DATABASE_URL']))",
        "create_async_engine(f'{URL_HERE}?ssl=require')",
        "create_async_engine(str(request.url))",
        "create_async_engine(str(unknown))",
        "config.set_main_option('script_location', str(engine.url))",
        "print(str(engine.url))",
        "create_async_engine()",
    ],
)
def test_what_is_no_such_text_or_is_only_shown(facts, code):
    assert texts(facts, code) == ()


def test_where_the_text_is_made_and_who_gets_it(facts):
    (text,) = texts(facts, "return create_async_engine(settings.text)")
    assert (text.span.path, text.source, text.role, text.doubles) == ("config.py", "str(self.url)", "app", False)


@pytest.mark.parametrize(
    ("code", "doubles"),
    [
        ("config.set_main_option('sqlalchemy.url', str(engine.url))", True),
        ("config.set_main_option('sqlalchemy.url', settings.text)", False),
        ("config.set_main_option('sqlalchemy.url', str(engine.url).replace('%', '%%'))", False),
        ("create_async_engine(str(engine.url))", False),
    ],
)
def test_a_percent_sign_is_to_be_doubled_where_nobody_does(facts, code, doubles):
    (text,) = texts(facts, code)
    assert text.doubles is doubles


def test_a_password_that_is_made_there_is_not_shown(facts):
    (text,) = texts(facts, "create_engine(str(URL.create('postgresql', 'shop', 'fish', 'localhost')))")
    assert text.source == ""


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ("connect_args={'password': token()}", 0),
        ("async_creator=connect", 0),
        ("connect_args={'timeout': 5}", 1),
    ],
)
def test_an_engine_that_has_its_password_from_elsewhere_is_left_alone(facts, more, number):
    assert len(texts(facts, f"create_async_engine(str(engine.url), {more})")) == number
