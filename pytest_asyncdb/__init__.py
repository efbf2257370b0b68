"""Finds, explains and repairs async database misconfiguration.

The public names are resolved when they are first used, so that loading the
pytest plugin imports nothing but this module and ``pytest_asyncdb.plugin``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.urls.engine import create_engine_from
    from pytest_asyncdb.urls.normalize import Change, InvalidURL, NormalizedURL, normalize_url

__version__ = "0.1.0"

__all__ = [
    "Change",
    "InvalidURL",
    "NormalizedURL",
    "Server",
    "__version__",
    "create_engine_from",
    "normalize_url",
]

_HOMES = {
    "Change": "pytest_asyncdb.urls.normalize",
    "InvalidURL": "pytest_asyncdb.urls.normalize",
    "NormalizedURL": "pytest_asyncdb.urls.normalize",
    "Server": "pytest_asyncdb.model.server",
    "create_engine_from": "pytest_asyncdb.urls.engine",
    "normalize_url": "pytest_asyncdb.urls.normalize",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name on its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
