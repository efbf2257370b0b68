"""Projects with no app, with several, and with settings that nobody gave."""

from __future__ import annotations

import json
import socket

import pytest

LIBRARY = """\
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import sessionmaker

factory = sessionmaker(class_=AsyncSession)
"""
PAY = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://pay:pay@db.internal/pay?sslmode=require")


@asynccontextmanager
async def lifespan(app):
    async with engine.begin() as connection:
        await connection.execute(text("select 1"))
    yield


app = FastAPI(lifespan=lifespan)
"""


@pytest.fixture
def library(healthy):
    for path in sorted((healthy.root / "src").rglob("*.py")):
        path.unlink()
    healthy.write("lib/store.py", LIBRARY)
    healthy.write("tests/test_own.py", "def test_quokka(): pass\n")
    return healthy


def test_a_project_whose_app_is_not_found_is_read_and_fails(library):
    run = library.pytest("--asyncdb-check")
    assert run.code == 1
    run.says("asyncdb: no app found; only the sources were read", "lib/store.py:4", "ADB501", "asyncdb_app = none")
    assert "ADB701" in run.output[run.output.index("Not judged") :]
    assert "no app was found, so nothing was booted" in " ".join(run.output.split())


def test_a_project_can_say_that_it_has_no_app(library):
    library.write("pytest.ini", "[pytest]\nasyncdb_app = none\n")
    run = library.pytest("--asyncdb-check", "--asyncdb-report=out.json")
    assert run.code == 0, run.output
    run.says("asyncdb: no app; only the sources were read", "lib/store.py:4", "test_own.py .")
    report = json.loads((library.root / "out.json").read_text())
    assert (report["app"], report["server"], report["incomplete"]) == (None, None, "")
    assert {one["proof"] for each in report["findings"] for one in each["fixes"]} == {"not-run"}


def test_each_app_of_a_monorepo_is_checked(healthy):
    healthy.git("mv", "-k", *(path.name for path in healthy.root.iterdir() if path.name not in {".git", "shop"}), ".")
    (healthy.root / "shop").mkdir()
    for path in list(healthy.root.iterdir()):
        if path.name not in {".git", "shop"}:
            path.rename(healthy.root / "shop" / path.name)
    healthy.write("pay/main.py", PAY)
    healthy.write("pay/requirements.txt", "fastapi\nsqlalchemy[asyncio]\nasyncpg\n")
    healthy.write("pay/Procfile", "web: uvicorn main:app\n")
    run = healthy.pytest("--asyncdb-check", "--asyncdb-report=out.json", "--asyncdb-fix")
    run.says("app pay/main.py:app, from pay/Procfile:1", "app shop/src/main.py:app, from shop/", "ADB303")
    report = json.loads((healthy.root / "out.json").read_text())
    assert {(one["path"], one["booted"]) for one in report["apps"]} == {
        ("pay/main.py", False),
        ("shop/src/main.py", True),
    }
    assert {(one["path"], *one["apps"]) for one in report["findings"] if one["severity"] == "blocks"} == {
        ("pay/main.py", "pay/main.py:app")
    }
    assert report["applied"] == ["pay/main.py"]
    again = healthy.pytest("--asyncdb-check")
    assert again.code == 0, again.output


SETTINGS = """\
import os
from enum import Enum
from typing import Literal
from pydantic import AnyHttpUrl, BaseModel, Field, PostgresDsn, RedisDsn, SecretStr, conint, constr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Size(Enum):
    small = "small"


class Security(BaseModel):
    jwt_key: SecretStr = Field(min_length=50)
    hosts: list[str]


class Database(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="db_", env_file="~/.env")
    host: str
    port: int
    user: str
    password: SecretStr
    name: str

    @field_validator("name")
    @classmethod
    def is_known(cls, value):
        if value not in {"app", "shop"}:
            raise ValueError("no such database")
        return value


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_nested_delimiter="__", case_sensitive=False)
    primary: PostgresDsn
    cache: RedisDsn
    site: AnyHttpUrl = Field(alias="PUBLIC_SITE")
    origins: list[AnyHttpUrl]
    size: Size
    mode: Literal["fast", "slow"]
    security: Security
    workers: conint(ge=2)
    ratio: float
    debug: bool
    code: constr(pattern=r"^[A-Z]{3}-\\d{4}$")
    algorithm: str

    @field_validator("algorithm")
    @classmethod
    def known(cls, value):
        if value not in ("RS256", "ES256"):
            raise ValueError("algorithm must be one of RS256, ES256")
        return value


database, settings = Database(), Settings()
assert settings.security.hosts and settings.workers >= 2 and settings.size is Size.small
REGION, LIMIT = os.environ["SHOP_REGION"], int(os.environ["SHOP_LIMIT"])
"""
MAIN = PAY.replace(
    'engine = create_async_engine("postgresql+asyncpg://pay:pay@db.internal/pay?sslmode=require")',
    """from config import database

engine = create_async_engine(
    f"postgresql+asyncpg://{database.user}:{database.password.get_secret_value()}"
    f"@{database.host}:{database.port}/{database.name}"
)""",
)
MADE_UP = (
    "DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME, PRIMARY, CACHE, PUBLIC_SITE, ORIGINS, SIZE, MODE, SECURITY, "
    "WORKERS, RATIO, DEBUG, CODE, ALGORITHM, SHOP_REGION, SHOP_LIMIT"
)


@pytest.fixture
def bare(new_project, tmp_path):
    """A checkout that nobody gave its settings."""
    new_project.write("main.py", MAIN)
    new_project.write("config.py", SETTINGS)
    requirements = "fastapi\nsqlalchemy[asyncio]\nasyncpg\npydantic-settings\n"
    (new_project.root / "requirements.txt").write_text(requirements, encoding="utf-16")  # no doctest of pytest's either
    (tmp_path / "home").mkdir()
    return new_project


def test_settings_that_nobody_gave_are_made_up_by_type_and_told(bare, tmp_path):
    home = str(tmp_path / "home")
    run = bare.pytest("--asyncdb-check", HOME=home)
    assert run.code == 0, run.output
    words = " ".join(run.output.split())
    assert f"19 settings made up, because there is no .env: {MADE_UP} (`asyncdb_env` gives real ones)" in words
    assert "SC-005 met" in words


def test_a_real_env_file_is_taken_at_its_word_and_kept_secret(bare, tmp_path):
    home = tmp_path / "home"
    (home / ".env").write_text("DB_HOST=h\nDB_PORT=1\nDB_USER=u\nDB_PASSWORD=hush-quokka-417\n")
    run = bare.pytest("--asyncdb-check", HOME=str(home))
    assert run.code == 1
    run.says("ADB205", "config.py:")
    assert "made up" not in run.output
    bare.change(
        "config.py", "database, settings", "print(Database(name='shop').password.get_secret_value())\ndatabase, s"
    )
    run = bare.pytest("--asyncdb-check", HOME=str(home))
    run.says("ADB205")
    assert "quokka" not in run.output


def test_what_no_made_up_value_satisfies_is_told_as_not_set(bare, tmp_path):
    bare.change("config.py", '{"app", "shop"}', '{"shop"}')
    run = bare.pytest("--asyncdb-check", HOME=str(tmp_path / "home"))
    assert run.code == 1
    run.says("ADB205", "`DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASSWORD`, `DB_NAME` are not set")
    home = {"HOME": str(tmp_path / "home")}
    for arguments, variables in (
        (("-o", "asyncdb_env=DB_NAME=shop"), {}),
        (("-o", "asyncdb_env=DB_NAME=none"), {"PYTEST_ASYNCDB_ENV": "DB_USER=me\nDB_NAME=shop"}),
        (("--asyncdb-env=DB_USER=me", "--asyncdb-env=DB_NAME=shop"), {"PYTEST_ASYNCDB_ENV": "DB_NAME=none"}),
    ):
        run = bare.pytest("--asyncdb-check", *arguments, **home, **variables)
        assert run.code == 0, run.output


CONFTEST = """\
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("unit") is None:
            pytest.exit(f"{item.nodeid} has no marker of ours", returncode=2)
"""
OWN = "import pytest\n@pytest.mark.unit\ndef test_quokka(): pass\n"


@pytest.mark.parametrize("more", [(), ("-n2",)], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("own", "code", "said"), [(OWN, 0, "test_quokka"), (OWN[13:].replace("@", "#"), 1, "has no marker")]
)
def test_a_conftest_that_ends_the_run_for_items_it_does_not_know(healthy, more, own, code, said):
    healthy.write("pytest.ini", "[pytest]\nmarkers = unit: a test\n")
    healthy.write("conftest.py", CONFTEST)
    healthy.write("tests/test_own.py", own)
    run = healthy.pytest("--asyncdb-check", "-v", *more)
    assert run.code == code, run.output
    run.says("SC-001", said)
    assert ("the project's tests were not run: a hook of its own" in " ".join(run.output.split())) is bool(code)
    chosen = healthy.pytest("--asyncdb-check", "-v", "-k", "ADB301", *more)
    assert chosen.output.count("PASSED") == 1


@pytest.mark.parametrize(
    "hook",
    ["pytest_configure(config)", "pytest_sessionstart(session)", "pytest_runtest_setup(item)"],
)
def test_a_conftest_that_ends_the_run_does_not_hide_the_report(healthy, hook):
    healthy.write("conftest.py", f"import pytest\ndef {hook}:\n    pytest.exit('no docker here', returncode=3)\n")
    run = healthy.pytest("--asyncdb-check")
    assert run.code == 3
    run.says("no docker here", "SC-001", "checks passed")


NEEDS = """\
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.close()
    program = f"import socket; socket.create_connection(('127.0.0.1', PORT))"
    subprocess.run([sys.executable, "-c", program], check=True)
    yield
"""


def test_a_service_on_this_machine_is_reached_only_when_it_is_let_through(healthy):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        port = listening.getsockname()[1]
        healthy.change("src/main.py", "    yield\n", NEEDS.replace("PORT", str(port)))
        healthy.change(
            "src/main.py", "from contextlib", "import asyncio\nimport subprocess\nimport sys\nfrom contextlib"
        )
        run = healthy.pytest("--asyncdb-check")
        assert run.code == 0, run.output
        run.says("ADB718", "SC-001  unknown", f"127.0.0.1:{port}")
        with pytest.raises(TimeoutError):
            listening.accept()
        run = healthy.pytest("--asyncdb-check", "-o", f"asyncdb_allow=localhost:{port}")
        assert (run.code, "ADB718" in run.output) == (0, False), run.output
        for _ in ("the app", "its program"):
            listening.accept()[0].close()
    run = healthy.pytest("--asyncdb-check", "-o", "asyncdb_allow=db.example:5432")
    assert run.code == 4
    run.says("asyncdb_allow", "Other machines are never reached")


def test_a_command_that_cannot_start_the_app_is_noted(new_project):
    new_project.write("src/main.py", "from src.api import app\n")
    new_project.write("src/api.py", "from fastapi import FastAPI\napp = FastAPI()\n")
    new_project.write("Dockerfile", "FROM python\nWORKDIR /srv\nCOPY . .\nCMD uvicorn main:app\n")
    run = new_project.pytest("--asyncdb-check", "-m", "asyncdb_check")
    said = "Dockerfile:4 names `main:app`, whose imports need another name: `src.main:app` was booted"
    assert said in " ".join(run.output.split()), run.output
