"""Libraries that reach the network in native code, past the audit hook, and are not redirected: they are refused."""

from __future__ import annotations

import errno
import os
import socket
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
    "confluent_kafka.cimpl": ("Producer", "Consumer"),
    "pycurl": ("Curl", "CurlMulti"),
}
_LOOKUPS = ("query", "search", "getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")
_DEAD_PROXY = "http://127.0.0.1:1"


def patches(refusals: Refusals) -> Mapping[str, Callable[[Any], None]]:
    """Name each such driver's native module with what shuts its doors."""
    doors = {module: partial(_shut, refusals, names) for module, names in _DOORS.items()}
    return {**doors, "pycares": partial(_no_lookups, refusals), "grpc._cython.cygrpc": _grpc}


def _shut(refusals: Refusals, names: tuple[str, ...], module: Any) -> None:
    for name in names:
        if hasattr(module, name):
            setattr(module, name, _refusing(refusals, f"{module.__name__}.{name}"))


def _no_lookups(refusals: Refusals, module: Any) -> None:
    """c-ares asks name servers itself."""

    def refuse(_channel: object, name: object, *_arguments: object, **_options: object) -> None:
        refusals.refuse("resolve", name.decode() if isinstance(name, bytes) else str(name))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for name in _LOOKUPS:
        if hasattr(module.Channel, name):
            setattr(module.Channel, name, refuse)


def _grpc(_module: Any) -> None:
    """GRPC opens channels in native threads: all it can reach is a proxy that is not there."""
    os.environ.update(grpc_proxy=_DEAD_PROXY, no_grpc_proxy="", no_proxy="")


def _refusing(refusals: Refusals, door: str) -> type:
    def refuse(_cls: type, *_arguments: object, **_options: object) -> object:
        refusals.refuse("connect", door)
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connection refused: the sandbox does not redirect {door}")

    # A class, because code also names these in isinstance and annotations.
    return type(door.rpartition(".")[2], (), {"__new__": refuse})
