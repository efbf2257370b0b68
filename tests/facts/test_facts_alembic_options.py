from __future__ import annotations

import pytest

HEAD = """\
import os
from urllib.parse import quote, quote_plus
from alembic import context
from alembic.config import Config
from sqlalchemy import URL, make_url
from config import settings, plain, with_percents, engine
config = context.config
"""
SETTINGS = """\
import os
from pydantic import BaseModel, MultiHostUrl, PostgresDsn, SecretStr, field_validator
from pydantic_settings import BaseSettings
from sqlalchemy import URL, create_engine

class Database(BaseModel):
    url: str

class Settings(BaseSettings):
    DATABASE_URL: PostgresDsn
    SECRET_URL: SecretStr
    DB_PASSWORD: str
    DB_HOST: str = "localhost"
    LOCAL: str = "sqlite+aiosqlite:///./app.db"
    ASSEMBLED: str | None = None
    database: Database

    @field_validator("ASSEMBLED", mode="before")
    def assemble(cls, value, info):
        return value or str(MultiHostUrl.build(scheme="postgresql", password=info.data["DB_PASSWORD"], host="h"))

    @property
    def url(self) -> URL:
        return URL.create("postgresql+asyncpg", "shop", self.DB_PASSWORD, self.DB_HOST)

    @property
    def dsn(self) -> PostgresDsn:
        return PostgresDsn.build(scheme="postgresql", username="shop", password=self.DB_PASSWORD, host=self.DB_HOST)

    def make(self):
        return f"postgresql://shop:{self.DB_PASSWORD}@{self.DB_HOST}/shop"

def get_settings() -> Settings:
    return Settings()

settings = get_settings()
engine = create_engine(settings.make())
plain = "postgresql://shop:shop@localhost/shop"
with_percents = "postgresql://shop:fish%26chips@localhost/shop"
"""
FILES = {"config.py": SETTINGS, "alembic.ini": "[alembic]\nsqlalchemy.url = %(DB_DSN)s?a=%(DB_HOST)s\n"}


def options(facts, code, **more):
    return facts({**FILES, "alembic/env.py": f"{HEAD}{code}\n"} | more).alembic_options


def of_value(facts, value, **more):
    return options(facts, setting("", value), **more)


def setting(before, value):
    inside = "    " if before.endswith(":") else ""
    return f"{before}\n{inside}config.set_main_option('sqlalchemy.url', {value})"


@pytest.mark.parametrize(
    "value",
    [
        "os.environ['DATABASE_URL']",
        "os.getenv('DATABASE_URL', 'postgresql://localhost/shop')",
        "os.environ.get('DATABASE_URL') or 'sqlite:///:memory:' if plain else os.getenv('OTHER_URL', plain)",
        "str(settings.DATABASE_URL)",
        "settings.DATABASE_URL.unicode_string()",
        "settings.SECRET_URL.get_secret_value()",
        "settings.ASSEMBLED",
        "settings.database.url",
        "str(settings.DATABASE_URL).replace('+asyncpg', '')",
        "str(settings.DATABASE_URL).split('?')[0]",
        "settings.make()",
        "str(settings.dsn)",
        "settings.url.render_as_string(hide_password=False)",
        "engine.url.render_as_string(False)",
        "make_url(plain).set(password='x').render_as_string(hide_password=False)",
        "with_percents",
        "f'postgresql://shop:{settings.DB_PASSWORD}@{settings.DB_HOST}/shop'",
        "f'postgresql://shop:{quote_plus(os.environ[\"X\"])}@localhost/shop'",
        "'postgresql://shop:' + quote(settings.DB_PASSWORD) + '@localhost/shop'",
        "'postgresql://shop:%s@%s/shop' % (settings.DB_PASSWORD, settings.DB_HOST)",
        "'postgresql://shop:{}@{}/shop'.format(settings.DB_PASSWORD, settings.DB_HOST)",
    ],
)
def test_a_value_that_nobody_doubles_percents_in(facts, value):
    (option,) = of_value(facts, value)
    assert (option.name, option.setter, option.role, option.certain) == (
        "sqlalchemy.url",
        "set_main_option",
        "migration",
        True,
    )
    assert option.call.line == option.last_line == HEAD.count("\n") + 2


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "'postgresql://shop:fish%%26chips@localhost/shop'",
        "'postgresql://shop:%(DB_PASSWORD)s@localhost/shop'",
        "str(settings.DATABASE_URL).replace('%', '%%')",
        "str(settings.DATABASE_URL).replace('%', double)",
        "'%%'.join(str(settings.DATABASE_URL).split('%'))",
        "f'sqlite:///{settings.DATABASE_URL}'",
        "str(settings.url)",
        "settings.url.render_as_string()",
        "str(make_url(str(settings.DATABASE_URL)))",
        "str(engine.url)",
        "f'postgresql://shop:shop@{settings.DB_HOST}/shop'",
        "config.attributes['url']",
        "config.get_main_option('sqlalchemy.url')",
        "context.get_x_argument(as_dictionary=True).get('url')",
        "container.get_connection_url()",
        "escaped(settings.DATABASE_URL)",
        "*both",
        "None",
    ],
)
def test_what_has_no_percent_has_them_doubled_or_cannot_be_followed(facts, value):
    assert of_value(facts, value) == ()


@pytest.mark.parametrize(
    "call",
    [
        "set_main_option('script_location', os.environ['SCRIPTS_URL'])",
        "set_main_option(name, os.environ['DATABASE_URL'])",
        "set_main_option('sqlalchemy.url')",
        "set_section_option('alembic', 'DB_HOST', os.environ['DB_HOST'])",
        "set_section_option('alembic', 'OTHER_URL', os.environ['OTHER_URL'])",
        "set_section_option(config.config_ini_section, 'sqlalchemy.url', plain)",
    ],
)
def test_other_options_are_left_alone(facts, call):
    assert options(facts, f"config.{call}") == ()


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("url = os.environ['DATABASE_URL']\nurl = url.replace('%', '%%')", "url"),
        ("import re\nurl = re.sub('%', '%%', os.environ['DATABASE_URL'])", "url"),
        ("PERCENTS = {37: '%%'}", "str(settings.DATABASE_URL).translate(PERCENTS)"),
        ("def doubled(url):\n    return url.replace('%', '%%')", "doubled(os.environ['DATABASE_URL'])"),
        ("class Own(Config):\n    def set_main_option(self, name, value): ...\nconfig = Own()", "str(settings.dsn)"),
        ("config.file_config = RawConfigParser()", "os.environ['DATABASE_URL']"),
        ("def prepare(url):", "url"),
        ("for url in urls:", "url"),
    ],
)
def test_other_ways_are_left_alone(facts, before, value):
    assert options(facts, setting(before, value)) == ()


@pytest.mark.parametrize(
    "call",
    [
        "set_main_option(name='sqlalchemy.url', value=os.environ['DATABASE_URL'])",
        "set_section_option('alembic', 'sqlalchemy.url', os.environ['DATABASE_URL'])",
        "set_section_option(config.config_ini_section, 'DB_DSN', os.environ['DB_DSN'])",
    ],
)
def test_however_the_option_is_set(facts, call):
    (option,) = options(facts, f"config.{call}")
    assert (option.certain, option.setter) == (True, call.partition("(")[0])


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("config = Config('alembic.ini')", "os.environ['DATABASE_URL']"),
        ("url = os.environ['DB_URL']\nif url:\n    url = url.replace('postgres:', 'postgresql:')", "url"),
        ("prepare(os.environ['DATABASE_URL'])\ndef prepare(url):", "url"),
        ("from decouple import config as read", "read('DATABASE_URL')"),
        ("from environs import Env\nenv = Env()", "env.str('DATABASE_URL')"),
        ("from starlette.config import Config as Read\nread = Read('.env')", "read('DATABASE_URL', cast=str)"),
    ],
)
def test_however_the_value_is_read(facts, before, value):
    (option,) = options(facts, setting(before, value))
    assert option.certain


def test_what_can_be_followed_on_one_way_only_is_not_certain(facts):
    (option,) = of_value(facts, "config.attributes.get('url') or os.environ['DATABASE_URL']")
    assert not option.certain


def test_a_helper_that_doubles_them_elsewhere_is_seen(facts):
    helper = "import os\ndef url():\n    return os.environ['DATABASE_URL'].replace('%', '%%')\n"
    code = "from helper import url\nconfig.set_main_option('sqlalchemy.url', url())"
    assert options(facts, code, **{"helper.py": helper}) == ()
    (option,) = options(facts, code, **{"helper.py": helper.replace(".replace('%', '%%')", "")})
    assert option.certain


def test_the_url_that_the_project_has_counts(facts):
    def given(password):
        return of_value(
            facts,
            "str(settings.DATABASE_URL)",
            **{".env": f"DATABASE_URL=postgresql://shop:{password}@localhost/shop\n"},
        )

    (option,) = given("change-me")
    assert option.percent is None
    (option,) = given("fish%26chips")
    assert (option.percent.span.path, option.percent.span.line) == (".env", 1)
    assert given("fish%%26chips") == ()


@pytest.mark.parametrize(
    ("value", "is_sqlite"),
    [
        ("settings.LOCAL", True),
        ("os.getenv('DATABASE_URL', 'sqlite:///./app.db')", True),
        ("os.getenv('DATABASE_URL', 'postgresql://localhost/shop')", False),
        ("os.getenv('DATABASE_URL')", False),
        ("os.getenv('DATABASE_URL', 'sqlite:///./app.db') if testing else 'postgresql://shop'", False),
    ],
)
def test_what_is_only_known_to_be_sqlite_is_told(facts, value, is_sqlite):
    (option,) = of_value(facts, value)
    assert option.is_sqlite is is_sqlite


def test_it_is_found_outside_of_the_environment_too(facts):
    code = f"{HEAD}Config('alembic.ini').set_main_option('sqlalchemy.url', settings.make())\n"
    paths = ("app/upgrade.py", "tests/conftest.py", "scripts/upgrade.py")
    found = facts(FILES | dict.fromkeys(paths, code)).alembic_options
    assert {one.call.path: one.role for one in found} == {
        "app/upgrade.py": "app",
        "tests/conftest.py": "test",
        "scripts/upgrade.py": "script",
    }


def test_what_a_fixture_is_handed_is_of_the_servers_that_tests_start(facts):
    call = setting("", "own.DATABASE_URL").strip()
    code = f"{HEAD}from config import Settings\ndef migrated(own: Settings):\n    {call}\n"
    assert facts(FILES | {"tests/conftest.py": code}).alembic_options == ()
    assert len(facts(FILES | {"upgrade.py": code}).alembic_options) == 1


def test_what_a_test_has_set_is_its_own(facts):
    call = setting("settings.DATABASE_URL = own_url", "settings.DATABASE_URL")
    assert facts(FILES | {"tests/conftest.py": f"{HEAD}{call}\n"}).alembic_options == ()
    assert len(facts(FILES | {"upgrade.py": f"{HEAD}{call}\n"}).alembic_options) == 1


def test_secrets_are_not_shown(facts):
    (option,) = of_value(facts, "f'postgresql://shop:fish%26chips@{settings.DB_HOST}/shop'")
    assert "fish" not in option.source


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("'postgresql://shop:' + quote('fish&chips') + '@localhost/shop'", ""),
        ('f\'postgresql://shop:{os.getenv("DB_PASSWORD", "fish")}@localhost\'', ""),
        ("settings.make()  # as it is\n", "settings.make()"),
        ("(settings.SECRET_URL  # as it is\n + '?ssl=on')", ""),
        (
            "str(settings.DATABASE_URL).replace('+a', '') + '?a=b'",
            "str(settings.DATABASE_URL).replace('+a', '') + '?a=b'",
        ),
        ("os.environ['DATABASE_URL']", "os.environ['DATABASE_URL']"),
    ],
)
def test_a_text_that_may_be_a_password_is_not_shown(facts, value, source):
    (option,) = of_value(facts, value)
    assert option.source == source
