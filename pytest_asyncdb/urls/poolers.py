"""Which connection pooler stands behind an address, and what the drivers need there.

What the drivers need was tried with PgBouncer 1.18 and 1.25 in transaction mode, asyncpg 0.29 to 0.32 and psycopg 3.3.
What a provider runs is what it documents; where that is open, ``prepared`` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """For how long a client keeps a server connection."""

    TRANSACTION = "transaction"
    SESSION = "session"
    UNKNOWN = "unknown"


class Prepared(StrEnum):
    """Whether named prepared statements survive the pooler."""

    WORK = "work"
    """Session mode, or PgBouncer >= 1.21 with ``max_prepared_statements`` above 0: drivers need nothing."""
    FAIL = "fail"
    """They fail under concurrency or after a restart."""
    DEPENDS = "depends"
    """On the pooler's version, mode or configuration, which the address does not tell."""


STARTUP_SETTINGS = frozenset(
    {"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"}
)
"""Server settings (lower case) that PgBouncer takes at the start of a connection; it refuses all others."""

ASYNCPG_UNNAMED_SINCE = (0, 31)
"""Since then asyncpg prepares without a name when its statement cache is off."""

_BOTH_CACHES_OFF = (("statement_cache_size", "0"), ("prepared_statement_cache_size", "0"))
_UNIQUE_NAMES = ("prepared_statement_name_func", 'lambda: f"__asyncpg_{uuid4()}__"')

_NEON = re.compile(r"[\w-]+-pooler\.(?:[\w-]+\.)*neon\.(?:tech|build)")
_SUPABASE_SHARED = re.compile(r"(?:[\w-]+\.)*pooler\.supabase\.com")
_SUPABASE_OWN = re.compile(r"db\.[\w-]+\.supabase\.(?:co|com)")
_RDS_PROXY = re.compile(r"[\w.-]+\.proxy-[\w-]+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?")
_DIGITALOCEAN = re.compile(r"[\w.-]+\.db\.ondigitalocean\.com")
_AZURE = re.compile(r"[\w-]+\.postgres\.database\.(?:azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)")
_PGBOUNCER = re.compile(r"(?:.*[._-])?pg-?bouncer(?:[._-].*)?")

_PGBOUNCER_PORT = 6432
_SUPABASE_TRANSACTION_PORT = 6543
_DIGITALOCEAN_POOL_PORT = 25061


@dataclass(frozen=True, slots=True)
class Pooler:
    """A connection pooler, as far as its address gives it away."""

    name: str
    mode: Mode
    prepared: Prepared
    restricts_settings: bool
    """Whether server settings outside ``STARTUP_SETTINGS`` are refused when a connection starts."""
    note: str

    @property
    def shares_sessions(self) -> bool:
        """Whether session state (SET, advisory locks, LISTEN) is lost between transactions."""
        return self.mode is Mode.TRANSACTION

    def asyncpg_needs(self, version: tuple[int, int] | None = None) -> tuple[tuple[str, str], ...]:
        """The ``connect_args`` (name, Python source of the value) that SQLAlchemy with asyncpg needs here.

        Only all of them together help. Empty where named statements work. Where that depends, this is what is needed if
        they do not, and it does no harm if they do (except, with unique names, under AUTOCOMMIT).

        Args:
            version: asyncpg's (major, minor); None for the newest.
        """
        if self.prepared is Prepared.WORK:
            return ()
        if version is None or version >= ASYNCPG_UNNAMED_SINCE:
            return _BOTH_CACHES_OFF
        return (*_BOTH_CACHES_OFF, _UNIQUE_NAMES)

    def psycopg_needs(self) -> tuple[tuple[str, str], ...]:
        """The ``connect_args`` (name, Python source of the value) that SQLAlchemy with psycopg needs here."""
        return () if self.prepared is Prepared.WORK else (("prepare_threshold", "None"),)


def pooler_of(host: str | None, port: int | str | None) -> Pooler | None:
    """Recognise a pooler by its address.

    Args:
        host: the host name as the URL has it; None or empty when it has none.
        port: the port; None when the URL has none, which means 5432.

    Returns:
        The pooler, or None when the address looks like the server itself.
    """
    name = (host or "").lower().rstrip(".")
    number = int(port) if port is not None and str(port).isdecimal() else 5432
    if _NEON.fullmatch(name):
        note = "Neon's PgBouncer carries prepared statements over transactions"
        return Pooler("Neon pooler", Mode.TRANSACTION, Prepared.WORK, restricts_settings=True, note=note)
    if _SUPABASE_SHARED.fullmatch(name):
        return _supavisor(number)
    if _RDS_PROXY.fullmatch(name):
        note = "RDS Proxy pins a client that prepares statements to one server connection: they work, sharing ends"
        return Pooler("RDS Proxy", Mode.TRANSACTION, Prepared.WORK, restricts_settings=False, note=note)
    if own := _own_pool(name, number):
        note = (
            "it depends on the PgBouncer it runs: named statements work from 1.21 with max_prepared_statements above 0"
        )
        return Pooler(own, Mode.TRANSACTION, Prepared.DEPENDS, restricts_settings=True, note=note)
    if number == _PGBOUNCER_PORT or _PGBOUNCER.fullmatch(name):
        note = "in transaction mode named statements work from PgBouncer 1.21 with max_prepared_statements above 0"
        return Pooler("PgBouncer", Mode.UNKNOWN, Prepared.DEPENDS, restricts_settings=True, note=note)
    return None


def _supavisor(port: int) -> Pooler:
    if port == _SUPABASE_TRANSACTION_PORT:
        note = "Supavisor on port 6543 shares server connections between transactions and drops named statements"
        return Pooler("Supavisor", Mode.TRANSACTION, Prepared.FAIL, restricts_settings=True, note=note)
    note = "Supavisor on port 5432 keeps one server connection a client"
    return Pooler("Supavisor", Mode.SESSION, Prepared.WORK, restricts_settings=False, note=note)


def _own_pool(name: str, port: int) -> str | None:
    """A provider's optional pool that is recognised by its port."""
    if port == _SUPABASE_TRANSACTION_PORT and _SUPABASE_OWN.fullmatch(name):
        return "Supabase dedicated pooler"
    if port == _DIGITALOCEAN_POOL_PORT and _DIGITALOCEAN.fullmatch(name):
        return "DigitalOcean connection pool"
    if port == _PGBOUNCER_PORT and _AZURE.fullmatch(name):
        return "Azure PgBouncer"
    return None
