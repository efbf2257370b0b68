"""Drivers that connect in native code, past the audit hook, and that nothing redirects: they are refused."""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_asyncdb.sandbox.guard import Refusals

_DOORS = {
    "psqlpy._internal": (
        "connect",
        "connect_pool",
        "Connection",
        "ConnectionPool",
        "ConnectionPoolBuilder",
        "Listener",
    ),
    "pg._pg": ("connect",),
    "_pg": ("connect",),
    "MySQLdb._mysql": ("connect", "connection"),
    "pyodbc": ("connect",),
    "pymssql._mssql": ("connect",),
    "pymssql._pymssql": ("connect",),
}


def patches(refusals: Refusals) -> Mapping[str, Callable[[Any], None]]:
    """Name each such driver's native module with what shuts its doors."""
    return {module: partial(_shut, refusals, names) for module, names in _DOORS.items()}


def _shut(refusals: Refusals, names: tuple[str, ...], module: Any) -> None:
    for name in names:
        if hasattr(module, name):
            setattr(module, name, _refusing(refusals, f"{module.__name__}.{name}"))


def _refusing(refusals: Refusals, door: str) -> type:
    def refuse(_cls: type, *_arguments: object, **_options: object) -> object:
        refusals.refuse("connect", door)
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connection refused: the sandbox does not redirect {door}")

    # A class, because code also names these in isinstance and annotations.
    return type(door.rpartition(".")[2], (), {"__new__": refuse})
