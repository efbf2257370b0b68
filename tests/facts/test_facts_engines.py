# A case is a line, however long: the tables are read downwards.
# ruff: noqa: E501
from __future__ import annotations

import time

import pytest

from pytest_asyncdb.model.finding import Evidence

ASYNC = "sqlalchemy.ext.asyncio.create_async_engine"
NEW = "from sqlalchemy.ext.asyncio import create_async_engine\n"
ENV = "DATABASE_URL=postgresql://me:k7Qz9wXv3@db.example.org/app?sslmode=require\n"
SETTINGS = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
USE = NEW + "from config import settings\nengine = create_async_engine(settings.{name})\n"


def engine(about):
    (only,) = about.static_engines
    return only


@pytest.mark.parametrize(
    ("files", "key", "certain"),
    [
        ({"db.py": NEW + 'import os\nengine = create_async_engine(os.environ["DATABASE_URL"])\n'}, "DATABASE_URL", True),
        ({"db.py": NEW + 'from os import getenv\nengine = create_async_engine(url=getenv("DATABASE_URL", "x"))\n'}, "DATABASE_URL", True),
        ({"db.py": NEW + 'import os\nURL = os.environ.get("DATABASE_URL")\nengine = create_async_engine(URL)\n'}, "DATABASE_URL", True),
        ({"db.py": NEW + 'import os\ndef f():\n    u = os.getenv("DATABASE_URL")\n    return create_async_engine(str(u))\n'}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\nsettings = Settings()\n", "db.py": USE.format(name="DATABASE_URL")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    database_url: str = 'x'\nsettings = Settings()\n", "db.py": USE.format(name="database_url")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    url: str\n    model_config = SettingsConfigDict(env_prefix='DATABASE_')\nsettings = Settings()\n", "db.py": USE.format(name="url")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    url: str\n    class Config:\n        env_prefix = 'DATABASE_'\nsettings = Settings()\n", "db.py": USE.format(name="url")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    dsn: str = Field(validation_alias=AliasChoices('A', 'DATABASE_URL'))\nsettings = Settings()\n", "db.py": USE.format(name="dsn")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: SecretStr\nsettings = Settings()\n", "db.py": USE.format(name="DATABASE_URL.get_secret_value()")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\n@lru_cache\ndef get():\n    return Settings()\n", "db.py": NEW + "from config import get\nengine = create_async_engine(get().DATABASE_URL)\n"}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\n", "db.py": NEW + "from config import Settings\ndef make(settings: Settings):\n    return create_async_engine(settings.DATABASE_URL)\n"}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\n    @property\n    def url(self):\n        return self.DATABASE_URL\nsettings = Settings()\n", "db.py": USE.format(name="url")}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\n    @field_validator('DATABASE_URL')\n    def fix(cls, v):\n        return v\nsettings = Settings()\n", "db.py": USE.format(name="DATABASE_URL")}, "DATABASE_URL", False),
        ({"config.py": SETTINGS + "    DATABASE_URL: str\nsettings = Settings()\n", "db.py": USE.format(name="DATABASE_URL.strip('x').removesuffix('y') or settings.DATABASE_URL")}, "DATABASE_URL", True),
        ({"db.py": NEW + "import os\ndef to_async(u): return u\nengine = create_async_engine(to_async(os.getenv('DATABASE_URL')))\n"}, "DATABASE_URL", False),
        ({"db.py": NEW + "import os\nengine = create_async_engine(os.getenv('DATABASE_URL') + '&x=1')\n"}, "DATABASE_URL", False),
        ({"db.py": NEW + "import os\ndef make(url): return create_async_engine(url)\nengine = make(os.getenv('DATABASE_URL'))\n"}, "DATABASE_URL", True),
        ({"db.py": NEW + "from sqlalchemy import make_url\nimport os\nengine = create_async_engine(make_url(os.getenv('DATABASE_URL')))\n"}, "DATABASE_URL", True),
        ({"config.py": SETTINGS + "    class Db(BaseModel):\n        url: str\n    database: Db\nsettings = Settings()\n", "db.py": USE.format(name="database.url"), ".env": "DATABASE__URL=postgresql://me@db.example.org/app?sslmode=require\n"}, "DATABASE__URL", True),
    ],
)  # fmt: skip
def test_urls_are_traced_to_where_they_are_written(facts, files, key, certain):
    found = engine(facts({".env": ENV, ".env.example": "DATABASE_URL=postgresql+asyncpg://other/x\n", **files}))
    assert found.function == ASYNC
    assert found.url is not None
    assert (found.url.scheme, found.url.host, found.url.certain) == ("postgresql", "db.example.org", certain)
    assert (found.url.written.key, found.url.place.path) == (key, ".env")
    assert found.url.written_parameter("sslmode").value == "require"
    assert "k7Qz9wXv3" not in repr(found)


@pytest.mark.parametrize(
    ("code", "scheme", "certain"),
    [
        ("engine = create_async_engine('postgresql+asyncpg://h/d')", "postgresql+asyncpg", True),
        ("U = 'postgresql://h/d'\nengine = create_async_engine(U.replace('postgresql://', 'postgresql+asyncpg://', 1))", "postgresql+asyncpg", False),
        ("U = f'postgresql+asyncpg://{a}:{b}@{c}/d'\nengine = create_async_engine(U)", "postgresql+asyncpg", True),
        ("U = 'postgresql+asyncpg://' + a\nengine = create_async_engine(U)", "postgresql+asyncpg", False),
        ("engine = create_async_engine(URL.create(drivername='postgresql+asyncpg', host='h', query={'ssl': 'require'}))", "postgresql+asyncpg", True),
        ("D = 'postgresql+asyncpg'\nengine = create_async_engine(URL.create(D, host='h'))", "postgresql+asyncpg", True),
        ("engine = create_async_engine(str(PostgresDsn.build(scheme='postgresql+psycopg', host='h')))", "postgresql+psycopg", True),
        ("engine = create_async_engine(make_url('postgresql://h/d').set(drivername='postgresql+asyncpg'))", "postgresql+asyncpg", False),
        ("U = 'postgresql+asyncpg://h/a' if x else 'sqlite+aiosqlite:///b'\nengine = create_async_engine(U)", "postgresql+asyncpg", False),
        ("class C:\n    URL = 'postgresql+asyncpg://h/d'\nengine = create_async_engine(C.URL)", "postgresql+asyncpg", True),
        ("class C:\n    def __init__(self):\n        self.u = 'postgresql+asyncpg://h/d'\n        self.e = create_async_engine(self.u)", "postgresql+asyncpg", True),
        ("D = {'url': 'postgresql+asyncpg://h/d'}\nengine = create_async_engine(D['url'])", "postgresql+asyncpg", True),
        ("D = {'url': 'postgresql+asyncpg://h/d', 'echo': True}\nengine = create_async_engine(**D)", "postgresql+asyncpg", True),
    ],
)  # fmt: skip
def test_urls_of_the_code_itself(facts, code, scheme, certain):
    found = engine(facts({"db.py": NEW + code + "\n"}))
    assert (found.url.scheme, found.url.certain) == (scheme, certain)
    assert found.url.place.path == "db.py"


@pytest.mark.parametrize(
    "code",
    [
        "create_async_engine(url)",
        "create_async_engine(helper.unknown())",
        "create_async_engine()",
        "create_async_engine(*a)",
    ],
)
def test_an_unknown_url_is_none(facts, code):
    assert engine(facts({"db.py": NEW + f"engine = {code}\n"})).url is None


def test_example_counts_where_there_is_no_env(facts):
    code = NEW + 'import os\nengine = create_async_engine(os.environ["DATABASE_URL"])\n'
    found = engine(
        facts({"db.py": code, ".env.example": ENV, "docker-compose.yml": "e:\n - DATABASE_URL=mysql://h/d\n"})
    )
    assert found.url.written.kind == "env-example"


@pytest.mark.parametrize(
    ("code", "connect_args", "known", "options"),
    [
        ("e = create_async_engine(u, echo=False, pool_size=5)", (), True, (("echo", "False"), ("pool_size", "5"))),
        ("e = create_async_engine(u, connect_args={'ssl': True, 'statement_cache_size': 0})", (("ssl", "True"), ("statement_cache_size", "0")), True, ()),
        ("e = create_async_engine(u, connect_args=dict(ssl='require'))", (("ssl", "'require'"),), True, ()),
        ("A = {'ssl': 'require'}\ne = create_async_engine(u, connect_args=A)", (("ssl", "'require'"),), True, ()),
        ("A = {'ssl': 'require'}\nA['x'] = 1\ne = create_async_engine(u, connect_args=A)", (("ssl", "'require'"),), False, ()),
        ("e = create_async_engine(u, connect_args=get())", (), False, ()),
        ("e = create_async_engine(u, **options)", (), False, ()),
        ("O = {'echo': True, 'connect_args': {'timeout': 3}}\ne = create_async_engine(u, **O)", (("timeout", "3"),), True, (("echo", "True"),)),
        ("from sqlalchemy.pool import NullPool\ne = create_async_engine(u, poolclass=NullPool)", (), True, (("poolclass", "sqlalchemy.pool.NullPool"),)),
        ("N = 7\ne = create_async_engine(u, pool_size=N)", (), True, (("pool_size", "7"),)),
        ("e = create_async_engine(u, connect_args={'password': 'k7Qz9wXv33'})", (("password", "'***'"),), True, ()),
    ],
)  # fmt: skip
def test_arguments(facts, code, connect_args, known, options):
    found = engine(facts({"db.py": NEW + code + "\n"}))
    assert (found.connect_args, found.connect_args_known, found.options) == (connect_args, known, options)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from sqlmodel import create_engine\ne = create_engine('x')", [("sqlmodel.create_engine", False)]),
        ("from sqlalchemy import create_engine\nfrom sqlalchemy.ext.asyncio import AsyncEngine\ne = AsyncEngine(create_engine('postgresql+asyncpg://h/d'))", [("sqlalchemy.ext.asyncio.AsyncEngine", True)]),
        ("from sqlmodel import create_engine\nfrom sqlmodel.ext.asyncio.session import AsyncEngine\ns = create_engine('postgresql+asyncpg://h/d')\ne = AsyncEngine(s)", [("sqlmodel.ext.asyncio.session.AsyncEngine", True)]),
        ("import asyncpg\nasync def f(): return await asyncpg.create_pool('postgresql://h/d', min_size=1)", [("asyncpg.create_pool", True)]),
        ("from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig\nc = SQLAlchemyAsyncConfig(connection_string='postgresql+asyncpg://h/d')", [("advanced_alchemy.extensions.litestar.SQLAlchemyAsyncConfig", True)]),
        ("from own import create_engine\ne = create_engine('x')", []),
        ("def create_async_engine(x): ...\ne = create_async_engine('x')", []),
    ],
)  # fmt: skip
def test_kinds_of_engines(facts, code, expected):
    about = facts({"db.py": code + "\n", "own.py": "def create_engine(u): ...\n"})
    assert [(one.function, one.is_async) for one in about.static_engines] == expected
    for one in about.static_engines:
        assert one.evidence is Evidence.STATIC
        assert one.url is None or one.url.scheme.startswith("postgresql")


def test_alembic_environments_take_the_url_they_set(facts):
    env = (
        "from alembic import context\nfrom sqlalchemy import engine_from_config\nfrom config import settings\nconfig = context.config\n"
        "config.set_main_option('sqlalchemy.url', settings.DATABASE_URL)\ne = engine_from_config(config.get_section('x'), prefix='sqlalchemy.')\n"
    )
    files = {
        ".env": ENV,
        "config.py": SETTINGS + "    DATABASE_URL: str\nsettings = Settings()\n",
        "alembic/env.py": env,
    }
    ini = {"alembic.ini": "sqlalchemy.url = postgresql+asyncpg://ini/x\n"}
    found = engine(facts({**files, **ini}))
    assert (found.role, found.url.host, found.is_async) == ("migration", "db.example.org", False)


def test_alembic_environments_fall_back_to_the_ini(facts):
    env = "from sqlalchemy import engine_from_config\ne = engine_from_config(config.get_section('x'))\n"
    found = engine(facts({"alembic/env.py": env, "alembic.ini": "sqlalchemy.url = postgresql+asyncpg://ini/x\n"}))
    assert found.url.written.kind == "ini"


@pytest.mark.parametrize(
    ("use", "bound"),
    [
        ("s = async_sessionmaker(engine)", True),
        ("s = sessionmaker(engine, class_=AsyncSession)", True),
        ("s = sessionmaker(bind=engine, class_=AsyncSession)", True),
        ("async def f():\n    async with AsyncSession(engine) as s: yield s", True),
        ("s = sessionmaker(engine)", False),
        ("s = Session(engine)", False),
    ],
)
def test_a_sync_engine_in_async_hands_is_told(facts, use, bound):
    files = {
        "engine.py": "from sqlmodel import create_engine\nengine = create_engine('postgresql://h/d')\n",
        "session.py": "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n"
        f"from sqlalchemy.orm import Session, sessionmaker\nfrom engine import engine\n{use}\n",
    }
    assert engine(facts(files)).bound_to_async is bound


FACTORY = "from sqlalchemy.ext.asyncio import *\nfrom sqlalchemy.orm import Session, sessionmaker\nimport sqlmodel.ext.asyncio.session as sm\n"


@pytest.mark.parametrize(
    ("code", "factory", "session", "is_async", "bind", "options"),
    [
        ("f = async_sessionmaker(e, expire_on_commit=False)", "async_sessionmaker", None, True, True, (("expire_on_commit", "False"),)),
        ("f = async_sessionmaker()", "async_sessionmaker", None, True, None, ()),
        ("f = async_sessionmaker(bind=s)", "async_sessionmaker", None, True, False, ()),
        ("f = async_sessionmaker[AsyncSession](e, class_=sm.AsyncSession)", "async_sessionmaker", "sqlmodel.ext.asyncio.session.AsyncSession", True, True, ()),
        ("f = sessionmaker(e, class_=AsyncSession, autocommit=False)", "sessionmaker", "sqlalchemy.ext.asyncio.AsyncSession", True, True, (("autocommit", "False"),)),
        ("f = sessionmaker(e)", "sessionmaker", None, False, True, ()),
        ("f = sessionmaker(s, class_=Session)", "sessionmaker", "sqlalchemy.orm.Session", False, False, ()),
        ("class Own(AsyncSession): ...\nf = sessionmaker(e, class_=Own)", "sessionmaker", "db.Own", True, True, ()),
        ("f = sessionmaker(get_engine(), class_=AsyncSession)", "sessionmaker", "sqlalchemy.ext.asyncio.AsyncSession", True, True, ()),
        ("AsyncSession = sessionmaker(e, class_=AsyncSession)", "sessionmaker", "sqlalchemy.ext.asyncio.AsyncSession", True, True, ()),
        ("O = {'class_': AsyncSession, 'autoflush': False}\nf = sessionmaker(e, **O)", "sessionmaker", "sqlalchemy.ext.asyncio.AsyncSession", True, True, (("autoflush", "False"),)),
    ],
)  # fmt: skip
def test_session_factories(facts, code, factory, session, is_async, bind, options):  # noqa: PLR0913, PLR0917 - the columns of the table
    engines = "from sqlalchemy import create_engine\ne = create_async_engine('x')\ns = create_engine('x')\ndef get_engine():\n    return e\n"
    about = facts({"db.py": FACTORY + engines + code + "\n"})
    (found,) = about.static_session_factories
    assert found.factory.endswith(f".{factory}")
    assert (found.session_class, found.session_is_async, found.bind_is_async) == (session, is_async, bind)
    assert (found.options, found.options_known) == (options, True)
    assert found.call.assigned_to.startswith("db.")


def test_unresolved_options_are_said_to_be_unknown(facts):
    (found,) = facts({"db.py": FACTORY + "f = sessionmaker(e, **options)\n"}).static_session_factories
    assert not found.options_known
    assert found.session_is_async is None


@pytest.mark.parametrize(
    ("expression", "parameters", "added"),
    [
        ("U + '?async_fallback=True'", (("async_fallback", "True"),), "async_fallback=True"),
        ("f'{U}?async_fallback=True&ssl=require'", (("async_fallback", "True"), ("ssl", "require")), "async_fallback=True"),
        ("V.split('?')[0]", (), None),
        ("V.partition('?')[0]", (), None),
        ("V.replace('?sslmode=require', '')", (), None),
        ("V.replace('sslmode=', 'ssl=')", (("ssl", "require"),), None),
        ("V", (("sslmode", "require"),), None),
    ],
)  # fmt: skip
def test_parameters_that_code_adds_and_takes_away(facts, expression, parameters, added):
    code = f"U = 'postgresql+asyncpg://h/d'\nV = 'postgresql+asyncpg://h/d?sslmode=require'\ne = create_async_engine({expression})\n"
    found = engine(facts({"db.py": NEW + code}))
    assert found.url.parameters == parameters
    spans = [one.span for one in found.url.added]
    text = NEW + code
    assert text[spans[0].start : spans[0].end] == added if added else not spans


def test_the_branch_that_a_helper_changes_the_url_in_is_the_one_it_goes_through(facts):
    helper = (
        "def asynchronous(url):\n"
        "    if url.startswith('sqlite://'):\n"
        "        return url.replace('sqlite://', 'sqlite+aiosqlite://', 1)\n"
        "    if url.startswith('postgresql://'):\n"
        "        return url.replace('postgresql://', 'postgresql+psycopg://', 1)\n"
        "    return url\n"
        "e = create_async_engine(asynchronous('postgresql://h/d'))\n"
    )
    found = engine(facts({"db.py": NEW + helper}))
    assert (found.url.scheme, found.url.certain) == ("postgresql+psycopg", False)


def test_pools_of_both_branches_and_of_extensions(facts):
    middleware = (
        "from fastapi_async_sqlalchemy import SQLAlchemyMiddleware\nfrom sqlalchemy.pool import NullPool, QueuePool\n"
        "app.add_middleware(SQLAlchemyMiddleware, db_url='postgresql+asyncpg://h/d',\n"
        "    engine_args={'poolclass': NullPool if testing else QueuePool, 'connect_args': {'ssl': 'require'}})\n"
    )
    found = engine(facts({"main.py": middleware}))
    assert [pool.name for pool in found.pools] == ["sqlalchemy.pool.NullPool", "sqlalchemy.pool.QueuePool"]
    assert (found.is_async, found.url.scheme, found.connect_args) == (
        True,
        "postgresql+asyncpg",
        (("ssl", "'require'"),),
    )


def test_a_pool_that_is_given_on_a_condition_alone(facts):
    text = "from sqlalchemy import NullPool\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
    made = engine(
        facts({"db.py": f"{text}e = create_async_engine(u, pool_size=1, poolclass=NullPool if off else None)"})
    )
    assert [pool.name for pool in made.pools] == ["sqlalchemy.NullPool", ""]


def test_pool_of_a_configuration_object(facts):
    config = (
        "from advanced_alchemy.config import EngineConfig, SQLAlchemyAsyncConfig\nfrom sqlalchemy import QueuePool\n"
        "c = SQLAlchemyAsyncConfig(connection_string='postgresql+asyncpg://h/d', engine_config=EngineConfig(poolclass=QueuePool))\n"
    )
    assert [pool.name for pool in engine(facts({"db.py": config})).pools] == ["sqlalchemy.QueuePool"]


def test_a_url_that_goes_through_many_functions_in_many_ways_has_an_end(facts):
    ways = "\n".join(f"def f{n}(u):\n    return {' or '.join([f'f{n - 1}(u)'] * 12)}" for n in range(1, 9))
    text = f"from sqlalchemy.ext.asyncio import create_async_engine\ndef f0(u):\n    return 'postgresql+asyncpg://h/d' or u\n{ways}\n"
    started = time.monotonic()
    found = engine(facts({"db.py": f"{text}e = create_async_engine(f8(x))\n"}))
    assert found.url is None or not found.url.certain
    assert time.monotonic() - started < 5
