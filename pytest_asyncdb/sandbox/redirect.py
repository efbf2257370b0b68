"""Sends every connection of every driver to the throwaway server.

Each driver first makes of its arguments, environment and files what it would make in production, so that a bad
parameter fails as it does there. Only then address, credentials and database are replaced, and nothing else.
"""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.attempts import CERTIFICATE, CURRENT, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_asyncdb.sandbox.control import Address
    from pytest_asyncdb.sandbox.recorder import Recorder

_ASYNCPG_DEFAULTS = {
    "statement_cache_size": 100,
    "max_cached_statement_lifetime": 300,
    "max_cacheable_statement_size": 1024 * 15,
}


class Redirect:
    """Patches for the drivers.

    Args:
        recorder: where attempts are told.
        server: waits for the throwaway server; None when there is none.
    """

    def __init__(self, recorder: Recorder, server: Callable[[], Address | None]) -> None:
        """Take where to send connections."""
        self.recorder = recorder
        self._server = server
        self.elsewhere: Address | None = None
        """Where connections go instead, while the database is taken away."""

    def address(self) -> Address:
        """Wait for the server.

        Raises:
            ConnectionRefusedError: there is none.
        """
        address = self.elsewhere or self._server()
        if address is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused: the sandbox has no database server")
        return address

    def patches(self) -> Mapping[str, Callable[[Any], None]]:
        """Name each driver module with what changes it."""
        from pytest_asyncdb.sandbox.redirect_libpq import Psycopg, Psycopg2

        return {
            "asyncpg.connect_utils": self._asyncpg,
            "psycopg2._psycopg": Psycopg2(self).driver,
            "psycopg.connection": Psycopg(self).sync,
            "psycopg.connection_async": Psycopg(self).asynchronous,
        }

    def _asyncpg(self, module: Any) -> None:
        """Every way into asyncpg (connect, pools, subclasses) goes through these two functions."""
        connect, parse = module._connect, module._parse_connect_dsn_and_args  # noqa: SLF001 - the only common path

        async def _connect(**kwargs: Any) -> Any:
            given = {
                name: value
                for name, value in kwargs.items()
                if value is not None
                and name not in ("loop", "connection_class", "record_class")
                and _ASYNCPG_DEFAULTS.get(name) != value
            }
            with Attempt(self.recorder, "asyncpg", given):
                return await connect(**kwargs)

        def _parse_connect_dsn_and_args(**kwargs: Any) -> Any:
            addresses, parameters = parse(**kwargs)
            attempt = CURRENT.get()
            self.recorder.secret(parameters.password)
            if attempt is not None:
                tcp = [one for one in addresses if isinstance(one, tuple)]
                hosts = [one[0] if isinstance(one, tuple) else one for one in addresses]
                attempt.asked(hosts, [one[1] for one in tcp], parameters.database, parameters.user)
            server = self.address()
            return [(server.host, server.port)], _asyncpg_parameters(parameters, server, attempt, module)

        module._connect = _connect  # noqa: SLF001
        module._parse_connect_dsn_and_args = _parse_connect_dsn_and_args  # noqa: SLF001


def _asyncpg_parameters(parameters: Any, server: Address, attempt: Attempt | None, module: Any) -> Any:
    changed: dict[str, object] = {
        "user": server.user,
        "password": server.password,
        "database": server.database,
    }
    notes = []
    if isinstance(parameters.ssl, ssl.SSLContext) and parameters.ssl.verify_mode != ssl.CERT_NONE and server.ca_file:
        trust(parameters.ssl, server.ca_file)
        notes.append(CERTIFICATE)
    wanted = getattr(parameters, "target_session_attrs", None)
    if wanted is not None and str(getattr(wanted, "value", wanted)) in ("standby", "read-only"):
        changed["target_session_attrs"] = module.SessionAttribute.any
        notes.append(f"target_session_attrs={getattr(wanted, 'value', wanted)} was not judged: there is one server")
    if not server.direct_tls:
        if getattr(parameters, "direct_tls", False):
            changed["direct_tls"] = False
            notes.append("direct TLS was not judged: the throwaway server has none")
        negotiation = getattr(parameters, "ssl_negotiation", None)
        if negotiation is not None and negotiation is not module.SSLNegotiation.postgres:
            changed["ssl_negotiation"] = module.SSLNegotiation.postgres
            notes.append("direct TLS was not judged: the throwaway server has none")
    for note in notes if attempt is not None else ():
        attempt.note(note)  # type: ignore[union-attr]  # the loop is empty without an attempt
    return parameters._replace(**changed)


def trust(context: ssl.SSLContext, ca_file: str) -> None:
    """Have a context trust the throwaway server too; a revocation list can't know its certificate."""
    context.load_verify_locations(cafile=ca_file)
    context.verify_flags &= ~(ssl.VERIFY_CRL_CHECK_CHAIN | ssl.VERIFY_CRL_CHECK_LEAF)
