"""The drivers on libpq: psycopg 3 and psycopg2. libpq opens its sockets itself, out of reach of any audit hook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.attempts import CERTIFICATE, CURRENT, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.redirect import Redirect

_VERIFYING = ("verify-ca", "verify-full")


def parameters(asked: dict[str, Any], server: Address, note: Callable[[str], None]) -> dict[str, Any]:
    """Replace address, credentials and database in libpq parameters.

    ``service`` stays: its file still supplies what is not given here, and a service that is missing still fails.
    ``hostaddr`` is set to nothing rather than left out, so that no environment variable fills it in.
    """
    changed = {
        **asked,
        "host": server.host,
        "hostaddr": "",
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": server.database,
    }
    _lower_binding(changed, server, note)
    _trust(changed, server, note)
    if _value(changed, "target_session_attrs", "PGTARGETSESSIONATTRS") in ("standby", "read-only"):
        changed["target_session_attrs"] = "any"
        note("target_session_attrs was not judged: there is one server")
    if _value(changed, "sslnegotiation", "PGSSLNEGOTIATION") == "direct" and not server.direct_tls:
        changed["sslnegotiation"] = "postgres"
        note("direct TLS was not judged: the throwaway server has none")
    return changed


def _value(changed: dict[str, Any], name: str, variable: str) -> str:
    return str(changed.get(name) or os.environ.get(variable) or "")


def _lower_binding(changed: dict[str, Any], server: Address, note: Callable[[str], None]) -> None:
    if server.channel_binding or _value(changed, "channel_binding", "PGCHANNELBINDING") != "require":
        return
    changed["channel_binding"] = "prefer"
    note("channel_binding=require was lowered to prefer: the throwaway server does not offer channel binding")


def _trust(changed: dict[str, Any], server: Address, note: Callable[[str], None]) -> None:
    mode = _value(changed, "sslmode", "PGSSLMODE")
    root = _value(changed, "sslrootcert", "PGSSLROOTCERT")
    default = Path("~/.postgresql/root.crt").expanduser()
    verifies = mode in _VERIFYING or (mode == "require" and (root or default.is_file()))
    # A root certificate that is missing fails as it does in production.
    if verifies and server.ca_file and (root == "system" or Path(root or default).is_file()):
        changed["sslrootcert"] = server.ca_file
        changed["sslcrl"] = ""
        note(CERTIFICATE)


class Psycopg:
    """psycopg 3."""

    def __init__(self, redirect: Redirect) -> None:
        """Take where to send connections."""
        self._redirect = redirect

    def sync(self, module: Any) -> None:
        """Change ``psycopg.connection``."""
        connect = module.Connection.connect.__func__
        resolves = hasattr(module, "conninfo_attempts")

        def redirected(cls: Any, /, conninfo: str = "", **kwargs: Any) -> Any:
            with self._attempt(conninfo, kwargs) as attempt:
                if not resolves:
                    conninfo, kwargs = self._rewritten(conninfo, kwargs, attempt)
                return connect(cls, conninfo, **kwargs)

        module.Connection.connect = classmethod(redirected)
        if resolves:
            module.conninfo_attempts = lambda asked: [self._change(asked)]
        self._last_door(module.Connection)

    def asynchronous(self, module: Any) -> None:
        """Change ``psycopg.connection_async``."""
        connect = module.AsyncConnection.connect.__func__
        resolves = hasattr(module, "conninfo_attempts_async")

        async def redirected(cls: Any, /, conninfo: str = "", **kwargs: Any) -> Any:
            with self._attempt(conninfo, kwargs) as attempt:
                if not resolves:
                    conninfo, kwargs = self._rewritten(conninfo, kwargs, attempt)
                return await connect(cls, conninfo, **kwargs)

        async def conninfo_attempts_async(asked: dict[str, Any]) -> list[dict[str, Any]]:
            return [self._change(asked)]

        module.AsyncConnection.connect = classmethod(redirected)
        if resolves:
            module.conninfo_attempts_async = conninfo_attempts_async
        self._last_door(module.AsyncConnection)

    def _attempt(self, conninfo: str, kwargs: dict[str, Any]) -> Attempt:
        given = {"conninfo": conninfo, **kwargs} if conninfo else dict(kwargs)
        return Attempt(self._redirect.recorder, "psycopg", given)

    def _change(self, asked: dict[str, Any]) -> dict[str, Any]:
        attempt = CURRENT.get()
        self._redirect.recorder.secret(asked.get("password"))
        if attempt is not None:
            _tell(attempt, asked)
        return parameters(asked, self._redirect.address(), attempt.note if attempt is not None else _no_note)

    def _rewritten(self, conninfo: str, kwargs: dict[str, Any], attempt: Attempt) -> tuple[str, dict[str, Any]]:
        """For versions before 3.2, which look hosts up while they read the parameters."""
        from psycopg.conninfo import conninfo_to_dict  # type: ignore[import-not-found, unused-ignore]  # an optional driver

        own = ("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory")
        asked = conninfo_to_dict(conninfo, **{name: value for name, value in kwargs.items() if name not in own})
        _tell(attempt, asked)
        changed = parameters(asked, self._redirect.address(), attempt.note)
        return "", {**{name: value for name, value in kwargs.items() if name in own}, **changed}

    def _last_door(self, connection: Any) -> None:
        """Whatever a subclass does above it, the connection itself is opened here."""
        base = next(cls for cls in connection.__mro__ if "_connect_gen" in vars(cls))
        if getattr(base._connect_gen, "asyncdb", False):  # noqa: SLF001 - the only common path
            return
        original = base._connect_gen.__func__  # noqa: SLF001

        def _connect_gen(cls: Any, /, conninfo: str = "", **kwargs: Any) -> Any:
            from psycopg.conninfo import conninfo_to_dict, make_conninfo

            server = self._redirect.address()
            asked = conninfo_to_dict(conninfo)
            if not _is_there(asked, server):
                conninfo = make_conninfo("", **parameters(asked, server, _no_note))
            return original(cls, conninfo, **kwargs)

        _connect_gen.asyncdb = True  # type: ignore[attr-defined]  # marks that it is done
        base._connect_gen = classmethod(_connect_gen)  # noqa: SLF001


class Psycopg2:
    """psycopg2, and aiopg on top of it."""

    def __init__(self, redirect: Redirect) -> None:
        """Take where to send connections."""
        self._redirect = redirect

    def driver(self, module: Any) -> None:
        """Change the C module, from which all others take their names."""
        connect, base = module._connect, module.connection  # noqa: SLF001

        class connection(base):  # type: ignore[misc, valid-type]  # noqa: N801 - the name that users see
            """Stands in for the driver's own class, which code may also call directly."""

            def __init__(this, dsn: str, *args: Any, **kwargs: Any) -> None:  # noqa: N805 - self is the redirect
                if CURRENT.get() is not None:
                    super().__init__(self._change(module, dsn), *args, **kwargs)
                    return
                with Attempt(self._redirect.recorder, "psycopg2", {"dsn": dsn}):
                    super().__init__(self._change(module, dsn), *args, **kwargs)

        connection.__module__, connection.__qualname__ = base.__module__, base.__qualname__

        def _connect(dsn: str, connection_factory: Any = None, **kwargs: Any) -> Any:
            with Attempt(self._redirect.recorder, "psycopg2", {"dsn": dsn, **kwargs}):
                return connect(self._change(module, dsn), connection_factory or connection, **kwargs)

        module.connection = connection
        module._connect = _connect  # noqa: SLF001

    def _change(self, module: Any, dsn: str) -> str:
        try:
            asked = dict(module.parse_dsn(dsn))
        except Exception:  # noqa: BLE001 - libpq refuses it with its own words before it connects
            return dsn
        attempt = CURRENT.get()
        server = self._redirect.address()
        if _is_there(asked, server):
            return dsn
        self._redirect.recorder.secret(asked.get("password"))
        if attempt is not None:
            _tell(attempt, asked)
        changed = parameters(asked, server, attempt.note if attempt is not None else _no_note)
        return " ".join(f"{name}={_quoted(str(value))}" for name, value in changed.items() if value is not None)


def _is_there(asked: dict[str, Any], server: Address) -> bool:
    there = (asked.get("host"), str(asked.get("port"))) == (server.host, str(server.port))
    # An empty hostaddr says that it was set here; one left out could come from the environment or a service file.
    return there and asked.get("hostaddr") == ""


def _tell(attempt: Attempt, asked: dict[str, Any]) -> None:
    host = asked.get("host") or asked.get("hostaddr") or os.environ.get("PGHOST")
    database = asked.get("dbname") or os.environ.get("PGDATABASE")
    user = asked.get("user") or os.environ.get("PGUSER")
    attempt.asked(host, asked.get("port") or os.environ.get("PGPORT"), database, user)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _no_note(_text: str) -> None:
    """Outside an attempt there is nobody to tell."""
