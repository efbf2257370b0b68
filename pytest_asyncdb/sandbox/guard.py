"""Refuses every way out of this process but the one to the throwaway server."""

from __future__ import annotations

import errno
import os
import socket
import sys
import tempfile
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.recorder import Recorder

_NUMERIC = frozenset("0123456789.")
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", ""})
_LOCAL_SOCKETS = (
    "/dev/log",
    "/run/systemd/journal/",
    "/run/systemd/notify",
    "/var/run/syslog",
    "/run/nscd/",
    "/var/run/nscd/",
)
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_ANY_HOST = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound
_MAX_REFUSED = 200
_HOSTS = "/etc/hosts"


class Refusals:
    """What was refused, once per target, with a count."""

    def __init__(self, recorder: Recorder) -> None:
        """Start with none."""
        self._recorder = recorder
        self._seen: dict[tuple[str, str], dict[str, Json]] = {}

    def refuse(self, kind: str, target: str) -> None:
        """Record one refusal; the caller raises what the app expects of a dead service."""
        key = (kind, target)
        told = self._seen.get(key)
        if told is None:
            if len(self._seen) >= _MAX_REFUSED:
                return
            place = self._recorder.place(sys._getframe(1))  # noqa: SLF001 - the documented way to walk frames
            told = self._seen[key] = {
                "number": self._recorder.number(),
                "kind": kind,
                "target": target,
                "phase": self._recorder.phase,
                "place": place,
                "count": 0,
            }
        told["count"] = int(str(told["count"])) + 1
        if told["count"] == 1:
            self._recorder.emit("refused", **told)

    def settle(self) -> None:
        """Send the final counts."""
        for told in self._seen.values():
            if told["count"] != 1:
                self._recorder.emit("refused", **told)


class Guard:
    """The audit hook.

    Args:
        refusals: where refusals are counted.
        known: the throwaway server, if it is known already.
    """

    def __init__(self, refusals: Refusals, known: Callable[[], Address | None]) -> None:
        """Take what is allowed; ``install`` makes it work, for good."""
        self._refusals = refusals
        self._known = known
        self.ports: frozenset[int] = frozenset()
        """Services on this machine that the user lets through."""
        self._bound: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._own_name = socket.gethostname()
        self._temporary = (tempfile.gettempdir() + os.sep + "pymp-", "\0listener-", b"\0listener-")
        self.watched: dict[str, Callable[..., None]] = {
            "socket.bind": self._bind,
            "socket.connect": self._connect,
            "socket.sendto": self._send,
            "socket.sendmsg": self._send,
            "socket.getaddrinfo": self._resolve,
            "socket.gethostbyname": self._resolve,
            "socket.gethostbyaddr": self._resolve,
            "socket.getnameinfo": self._name,
        }

    def install(self) -> None:
        """Begin; an audit hook can't be taken away again."""
        watched = self.watched

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            # Called some ten thousand times during an import: everything but the lookup is rare.
            if event in watched:
                watched[event](*arguments)

        sys.addaudithook(hook)

    def _bind(self, bound: socket.socket, _address: Any) -> None:
        self._bound.add(bound)

    def _connect(self, own: socket.socket, address: Any) -> None:
        if self._is_allowed(own, address):
            return
        self._refusals.refuse("connect", _target(address))
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def _send(self, own: socket.socket, address: Any) -> None:
        if address is None or self._is_allowed(own, address):
            return
        self._refusals.refuse("send", _target(address))
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def _resolve(self, host: Any, port: Any = None, *_more: Any) -> None:
        name = host.decode("idna", "replace") if isinstance(host, bytes) else str(host or "")
        if name.lower() in _LOCAL_NAMES or ":" in name or not set(name) - _NUMERIC:
            return
        # Programs ask for their own host's name all the time (logging, mail): no packet leaves where a file has it.
        if name == self._own_name and _is_in_hosts(name):
            return
        self._refusals.refuse("resolve", name if port in (None, 0, "") else f"{name}:{_text(port)}")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def _name(self, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) and address else ""
        if host not in ("127.0.0.1", "::1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def _is_allowed(self, own: socket.socket, address: Any) -> bool:
        if own.family not in (socket.AF_INET, socket.AF_INET6):
            return own.family != getattr(socket, "AF_UNIX", None) or self._is_local(address)
        if not isinstance(address, tuple) or len(address) < 2:  # noqa: PLR2004 - malformed: the socket refuses it
            return True
        if address[1] in self.ports and address[0] in _THIS_MACHINE:
            return True
        server = self._known()
        if server is not None and address[:2] == (server.host, server.port):
            return True
        return any(_listens(one, address) for one in list(self._bound))

    def _is_local(self, address: Any) -> bool:
        if isinstance(address, bytes | bytearray):
            address = bytes(address) if address[:1] == b"\0" else os.fsdecode(bytes(address))
        address = os.fspath(address) if isinstance(address, os.PathLike) else address
        if address in [name for one in list(self._bound) if (name := _own_address(one))]:
            return True
        local = tuple(one for one in (*_LOCAL_SOCKETS, *self._temporary) if isinstance(one, type(address)))
        return address.startswith(local) if local else False


def _is_in_hosts(name: str) -> bool:
    try:
        with open(_HOSTS, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - pathlib is not loaded before the app
            return any(name in line.partition("#")[0].split()[1:] for line in lines)
    except OSError:
        return False


def _own_address(bound: socket.socket) -> Any:
    try:
        return bound.getsockname()
    except OSError:  # closed meanwhile
        return None


def _listens(bound: socket.socket, address: Any) -> bool:
    own = _own_address(bound)
    if not isinstance(own, tuple) or own[1] != address[1]:
        return False
    return own[0] == address[0] or (own[0] in _ANY_HOST and address[0] in ("127.0.0.1", "::1", "localhost", *_ANY_HOST))


def _target(address: Any) -> str:
    if isinstance(address, tuple) and len(address) >= 2:  # noqa: PLR2004 - host and port
        host = _text(address[0])
        return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
    return _text(address)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
