"""The names that parameters of database URLs have, and whose they are."""

from __future__ import annotations

from pytest_asyncdb.urls.translation import parse_bool, parse_number

ADDRESS = frozenset({"host", "hostaddr", "port", "user", "username", "password", "dbname", "database"})
"""Parameters that say what the URL itself can say."""

ASYNCPG_URL_SINCE: dict[str, tuple[int, int]] = {
    "krbsrvname": (0, 30),
    "gsslib": (0, 30),
    "service": (0, 31),
    "servicefile": (0, 31),
}
"""Parameters that asyncpg takes from a URL only since that version."""

ASYNCPG_URL_ACCEPTED = frozenset(
    {
        *("host", "port", "user", "password", "database", "passfile", "ssl", "target_session_attrs"),
        *("command_timeout", "prepared_statement_cache_size"),
        *ASYNCPG_URL_SINCE,
    }
)
"""Parameters that work in a ``postgresql+asyncpg://`` URL, some of them only since a version."""

NUMERIC_IN_CONNECT_ARGS: dict[str, type[int | float]] = {
    "timeout": float,
    "statement_cache_size": int,
    "max_cached_statement_lifetime": int,
    "max_cacheable_statement_size": int,
}
"""Options of ``asyncpg.connect()`` that it compares with numbers: text from a URL is a ``TypeError``."""

ASYNCPG_ONLY = frozenset(
    {
        *NUMERIC_IN_CONNECT_ARGS,
        *(
            "database",
            "ssl",
            "direct_tls",
            "command_timeout",
            "prepared_statement_cache_size",
            "prepared_statement_name_func",
        ),
        *("server_settings", "loop", "dsn", "connection_class", "record_class", "async_fallback", "servicefile"),
    }
)
"""Parameters that asyncpg or SQLAlchemy's asyncpg dialect has and libpq (psycopg) refuses."""

LIBPQ = frozenset(
    """service user password passfile channel_binding connect_timeout dbname host hostaddr port client_encoding
    options application_name fallback_application_name keepalives keepalives_idle keepalives_interval
    keepalives_count tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey sslcertmode
    sslpassword sslrootcert sslcrl sslcrldir sslsni requiressl requirepeer require_auth min_protocol_version
    max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib
    gssdelegation replication target_session_attrs load_balance_hosts scram_client_key scram_server_key
    oauth_issuer oauth_client_id oauth_client_secret oauth_scope sslkeylogfile
    """.split()  # noqa: SIM905 - reads as the list it is
)
"""libpq's own parameters (libpq 18)."""

LIBPQ_ONLY = LIBPQ - ASYNCPG_URL_ACCEPTED
"""libpq parameters that SQLAlchemy with asyncpg refuses."""

SETTINGS = frozenset(
    """statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout
    search_path timezone datestyle intervalstyle jit work_mem maintenance_work_mem temp_buffers role
    default_transaction_isolation default_transaction_read_only default_transaction_deferrable
    extra_float_digits bytea_output client_min_messages standard_conforming_strings row_security
    synchronous_commit plan_cache_mode log_statement log_min_duration_statement lc_messages lc_monetary
    lc_numeric lc_time xmloption random_page_cost effective_cache_size max_parallel_workers_per_gather
    enable_seqscan deadlock_timeout tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count
    """.split()  # noqa: SIM905 - reads as the list it is
)
"""Server settings (lower case) that people put into URLs; a name with a dot is one as well."""

ENGINE_OPTIONS: dict[str, str] = {
    "pool_size": "pool_size",
    "max_size": "pool_size",
    "connection_limit": "pool_size",
    "max_overflow": "max_overflow",
    "pool_timeout": "pool_timeout",
    "pool_recycle": "pool_recycle",
    "pool_pre_ping": "pool_pre_ping",
}
"""Pool parameters of SQLAlchemy, asyncpg's own pool and Prisma, and the option of ``create_async_engine`` they mean."""

FOREIGN = {
    "pgbouncer": "a flag of Prisma",
    "supa": "a marker of Supabase's console",
    "workaround": "a marker of Supabase's console",
    "pool_mode": "a setting of the pooler, not of a client",
    "sslaccept": "a parameter of Prisma",
    "sslidentity": "a parameter of Prisma",
    "socket_timeout": "a parameter of Prisma",
    "statement_cache": "a parameter of another driver",
    "uselibpqcompat": "a parameter of node-postgres",
    "sslfactory": "a parameter of JDBC",
    "prepareThreshold": "a parameter of JDBC",
    "loginTimeout": "a parameter of JDBC",
    "socketTimeout": "a parameter of JDBC",
    "tcpKeepAlive": "a parameter of JDBC",
    "stringtype": "a parameter of JDBC",
    "reWriteBatchedInserts": "a parameter of JDBC",
    "use_ssl": "no parameter of any Postgres driver",
    "min_size": "SQLAlchemy's pool opens connections on demand",
    "minimum_pool_size": "SQLAlchemy's pool opens connections on demand",
    "pooling": "a parameter of Npgsql",
    "trust_server_certificate": "a parameter of Npgsql",
    "isolation_level": "an option of create_async_engine",
    "autocommit": "no parameter of a connection",
    "row_factory": "an argument of psycopg.connect()",
}
"""Parameters of other tools, and what they are: no driver for SQLAlchemy takes them."""

CODE_ONLY = frozenset(
    {"prepared_statement_name_func", "server_settings", "loop", "dsn", "connection_class", "record_class"}
)
"""Arguments of asyncpg.connect() that are objects."""


def setting_of(name: str, value: str) -> tuple[tuple[str, str], ...]:
    """The server setting that a parameter means, as (name, value), or nothing."""
    if name in ("schema", "currentSchema"):
        return () if value == "public" else (("search_path", value),)
    if name == "ApplicationName":
        return (("application_name", value),)
    return ((name, value),) if name.lower() in SETTINGS or "." in name else ()


def engine_option_of(name: str, value: str) -> tuple[str, bool | int | float] | None:
    """The option of ``create_async_engine`` that a pool parameter means, or None."""
    key = ENGINE_OPTIONS.get(name)
    parsed = parse_bool(value) if key == "pool_pre_ping" else parse_number(value)
    return None if key is None or parsed is None else (key, parsed)
