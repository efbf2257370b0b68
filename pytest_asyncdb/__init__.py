"""Finds, explains and repairs async database misconfiguration.

The public names are resolved when they are first used, so that loading the
pytest plugin imports nothing but this module and ``pytest_asyncdb.plugin``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_asyncdb import suite
    from pytest_asyncdb.fixtures.client import open_client
    from pytest_asyncdb.fixtures.current import Database, DatabaseFactory, EscapeWarning
    from pytest_asyncdb.fixtures.lifespan import LifespanError
    from pytest_asyncdb.fixtures.loops import WrongLoopError
    from pytest_asyncdb.fixtures.savepoints import InterleavedError
    from pytest_asyncdb.fixtures.server import DatabaseURL
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.urls.engine import create_engine_from
    from pytest_asyncdb.urls.normalize import Change, InvalidURL, NormalizedURL, normalize_url

__version__ = "0.1.0"

__all__ = [
    "Change",
    "Database",
    "DatabaseFactory",
    "DatabaseURL",
    "EscapeWarning",
    "InterleavedError",
    "InvalidURL",
    "LifespanError",
    "NormalizedURL",
    "Server",
    "WrongLoopError",
    "__version__",
    "create_engine_from",
    "normalize_url",
    "open_client",
    "suite",
]

_HOMES = {
    "Change": "pytest_asyncdb.urls.normalize",
    "Database": "pytest_asyncdb.fixtures.current",
    "DatabaseFactory": "pytest_asyncdb.fixtures.current",
    "DatabaseURL": "pytest_asyncdb.fixtures.server",
    "EscapeWarning": "pytest_asyncdb.fixtures.current",
    "InterleavedError": "pytest_asyncdb.fixtures.savepoints",
    "InvalidURL": "pytest_asyncdb.urls.normalize",
    "LifespanError": "pytest_asyncdb.fixtures.lifespan",
    "NormalizedURL": "pytest_asyncdb.urls.normalize",
    "Server": "pytest_asyncdb.model.server",
    "WrongLoopError": "pytest_asyncdb.fixtures.loops",
    "create_engine_from": "pytest_asyncdb.urls.engine",
    "normalize_url": "pytest_asyncdb.urls.normalize",
    "open_client": "pytest_asyncdb.fixtures.client",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name on its first use (PEP 562)."""
    from importlib import import_module

    if name == "suite":
        return import_module("pytest_asyncdb.suite")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
