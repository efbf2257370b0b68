"""Versions of the packages that matter, as far as the app loaded them."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.sandbox.recorder import Recorder

_PACKAGES = {
    "sqlalchemy": "SQLAlchemy",
    "asyncpg": "asyncpg",
    "psycopg": "psycopg",
    "psycopg2": "psycopg2",
    "greenlet": "greenlet",
    "sqlmodel": "sqlmodel",
    "fastapi": "fastapi",
    "starlette": "starlette",
    "litestar": "litestar",
    "quart": "Quart",
    "sanic": "sanic",
    "pydantic": "pydantic",
    "alembic": "alembic",
}


def tell_versions(recorder: Recorder) -> None:
    """Tell the versions; a package that was not loaded says nothing about this boot."""
    found = {"python": platform.python_version()}
    for module, name in _PACKAGES.items():
        loaded = sys.modules.get(module)
        if loaded is not None:
            own = vars(loaded)
            version = own.get("__version__") or own.get("VERSION") or _installed(name)
            found[name.lower()] = str(version).split(" ", 1)[0]
    recorder.emit("versions", versions=[[name, version] for name, version in found.items()])


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""
