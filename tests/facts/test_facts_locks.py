# A case is a line, however long: the tables are read downwards.
# ruff: noqa: E501
from __future__ import annotations

import pytest

from pytest_asyncdb.facts.dependencies import Locked

APP = {"app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "app/__init__.py": ""}

UV = """\
version = 1
[[package]]
name = "shop"
source = { virtual = "." }
dependencies = [{ name = "SQLAlchemy", extra = ["asyncio"] }, { name = "fastapi" }]
[package.dev-dependencies]
dev = [{ name = "asyncpg" }]
[[package]]
name = "sqlalchemy"
version = "2.1.3"
sdist = { url = "https://example.org/s.tar.gz", hash = "sha256:1", size = 1 }
wheels = [
    { url = "https://example.org/s.whl", hash = "sha256:1", size = 1 },
]
dependencies = [
    { name = "typing-extensions" },
]
[package.optional-dependencies]
asyncio = [
    { name = "greenlet" },
]
[[package]]
name = "fastapi"
version = "0.115.0"
[[package]]
name = "greenlet"
version = "3.2"
[[package]]
name = "asyncpg"
version = "0.31"
[[package]]
name = "typing-extensions"
version = "4.12"
"""
OLD_POETRY = """\
[[package]]
name = "sqlalchemy"
version = "2.1.3"
optional = false
files = [
    {file = "s.whl", hash = "sha256:1"},
]
[package.dependencies]
typing-extensions = ">=4.2.0"
greenlet = {version = "!=0.4.17", optional = true, markers = "extra == \\"asyncio\\""}
[package.extras]
asyncio = ["greenlet (!=0.4.17)"]
[[package]]
name = "greenlet"
version = "3.2"
[[package]]
name = "asyncpg"
version = "0.31"
[[package]]
name = "typing-extensions"
version = "4.12"
"""
GROUPS = """\
[[package]]
name = "sqlalchemy"
version = "2.1.3"
groups = ["{main}"]
[[package]]
name = "greenlet"
version = "3.2"
groups = ["{main}", "dev"]
[[package]]
name = "asyncpg"
version = "0.31"
groups = ["dev"]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", UV),
        ("poetry.lock", OLD_POETRY),
        ("poetry.lock", GROUPS.format(main="main")),
        ("poetry.lock", GROUPS.format(main="main").replace('groups = ["dev"]', 'category = "dev"').replace('groups = ["main"', 'groups = ["main"')),
        ("pdm.lock", GROUPS.format(main="default")),
        ("pdm.lock", OLD_POETRY.partition("[package.dep")[0] + 'dependencies = ["typing-extensions>=4"]\n[[package]]\nname = "sqlalchemy"\nversion = "2.1.3"\n'
         'extras = ["asyncio"]\ndependencies = ["greenlet!=0.4.17", "sqlalchemy==2.1.3"]\n[[package]]' + OLD_POETRY.partition("[package.extras]")[2].partition("[[package]]")[2]),
        ("Pipfile.lock", '{"default": {"sqlalchemy": {"version": "==2.1.3", "extras": ["asyncio"]}, "greenlet": {"version": "==3.2"}}, "develop": {"asyncpg": {"version": "==0.31"}}}'),
        ("pylock.toml", 'lock-version = "1.0"\n[[packages]]\nname = "sqlalchemy"\nversion = "2.1.3"\n[[packages]]\nname = "greenlet"\nversion = "3.2"\n'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["", "backend/"])
def test_locks_settle_what_production_gets(facts, name, text, folder):
    app = {f"{folder}{path}": code for path, code in APP.items()}
    pyproject = "[project]\nname='shop'\ndependencies = ['sqlalchemy[asyncio]>=2', 'fastapi']\n[dependency-groups]\ndev=['asyncpg']\n"
    about = facts({**app, f"{folder}pyproject.toml": pyproject, name: text})
    assert about.locked.path == name
    assert about.locked.version("sqlalchemy") == "2.1.3"
    assert about.locked.reaches("greenlet")
    assert not about.locked.reaches("asyncpg")


@pytest.mark.parametrize("text", ["", "[[package", "[[package]]\nname = 3\n", "package = 1\n", '{"default": []}'])
def test_locks_that_tell_nothing_settle_nothing(facts, text):
    for name in ("uv.lock", "Pipfile.lock"):
        about = facts({**APP, "requirements.txt": "sqlalchemy==2.0.30\nasyncpg>=0.29,<1\n", name: text})
        assert about.locked == Locked(versions=(("sqlalchemy", "2.0.30"),))
