"""What each parameter of a database URL must become for SQLAlchemy with asyncpg.

SQLAlchemy's asyncpg dialect hands each query parameter to ``asyncpg.connect()`` as a keyword argument: what that
function does not take is a ``TypeError`` at the first connection. Seen with SQLAlchemy 2.0.58 and 2.1.9 and with
asyncpg 0.29 to 0.32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.urls.translation import (
    SSL_MODES,
    Action,
    Translation,
    parse_bool,
    parse_mode,
    parse_number,
    settings_in_options,
)
from pytest_asyncdb.urls.vocabulary import (
    ADDRESS,
    ASYNCPG_ONLY,
    ASYNCPG_URL_ACCEPTED,
    ASYNCPG_URL_SINCE,
    CODE_ONLY,
    FOREIGN,
    LIBPQ,
    LIBPQ_ONLY,
    NUMERIC_IN_CONNECT_ARGS,
    engine_option_of,
    setting_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ADDRESS",
    "ASYNCPG_ONLY",
    "ASYNCPG_URL_ACCEPTED",
    "ASYNCPG_URL_SINCE",
    "LIBPQ",
    "LIBPQ_ONLY",
    "NUMERIC_IN_CONNECT_ARGS",
    "SSL_MODES",
    "Action",
    "Translation",
    "accepted_by_asyncpg",
    "translate_for_asyncpg",
]

_REFUSED = "asyncpg.connect() has no parameter `{name}`: the first connection fails with TypeError"
_CONTEXT = frozenset(
    {
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "sslcrldir",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    }
)
_LOST = {
    "require_auth": "which authentication methods are acceptable can only be demanded with psycopg",
    "requirepeer": "the owner of the server's socket can only be checked with psycopg",
    "scram_client_key": "asyncpg logs in with a password only",
    "scram_server_key": "asyncpg logs in with a password only",
    "oauth_issuer": "asyncpg has no OAuth login",
    "oauth_client_id": "asyncpg has no OAuth login",
    "oauth_client_secret": "asyncpg has no OAuth login",
    "oauth_scope": "asyncpg has no OAuth login",
    "replication": "asyncpg has no replication protocol",
}
_DROPPED = {
    "gssdelegation": "asyncpg does not delegate GSS credentials",
    "sslcompression": "TLS compression is off everywhere",
    "sslsni": "asyncpg always sends the host name",
    "sslcertmode": "asyncpg sends a client certificate when it has one",
    "sslkeylogfile": "a debugging aid: Python reads SSLKEYLOGFILE from the environment",
    "client_encoding": "asyncpg speaks UTF-8 only",
    "charset": "asyncpg speaks UTF-8 only",
    "keepalives": "asyncpg leaves keepalives to the operating system",
    "keepalives_idle": "asyncpg leaves keepalives to the operating system",
    "keepalives_interval": "asyncpg leaves keepalives to the operating system",
    "keepalives_count": "asyncpg leaves keepalives to the operating system",
    "tcp_user_timeout": "asyncpg leaves TCP timeouts to the operating system",
    "min_protocol_version": "asyncpg speaks protocol 3.0 only",
    "max_protocol_version": "asyncpg speaks protocol 3.0 only",
    "load_balance_hosts": "asyncpg tries hosts in the order given",
    "async_fallback": "SQLAlchemy 2.1 no longer knows it",
}


def accepted_by_asyncpg(name: str, version: tuple[int, int] | None = None) -> bool:
    """Whether a parameter in a ``postgresql+asyncpg://`` URL reaches asyncpg without a ``TypeError`` for its name.

    Args:
        name: the parameter.
        version: asyncpg's (major, minor); None for the newest.
    """
    return name in ASYNCPG_URL_ACCEPTED and (version is None or version >= ASYNCPG_URL_SINCE.get(name, (0, 0)))


def translate_for_asyncpg(name: str, value: str, *, version: tuple[int, int] | None = None) -> Translation:
    """Tell what one URL parameter must become for SQLAlchemy with asyncpg.

    Args:
        name: the parameter, decoded.
        value: its value, decoded.
        version: asyncpg's (major, minor); None for the newest.
    """
    if not value:
        return Translation(name, Action.DROP, "an empty parameter says nothing")
    if name in _SPECIAL:
        return _SPECIAL[name](name, value)
    if name in ADDRESS:
        return Translation(name, Action.ADDRESS, "it is said in the URL itself")
    if name in ("service", "servicefile"):
        ignored = "asyncpg reads service files only along with a DSN, and SQLAlchemy gives it none: it is ignored"
        reason = ignored if accepted_by_asyncpg(name, version) else f"{_REFUSED.format(name=name)} before asyncpg 0.31"
        return Translation(name, Action.RESOLVE, reason)
    if accepted_by_asyncpg(name, version) or name == "plugin":
        return Translation(name, Action.KEEP, "")
    refused = _REFUSED.format(name=name)
    return _moved(name, value, refused) or _dropped(name, refused)


def _moved(name: str, value: str, refused: str) -> Translation | None:
    """What asyncpg or SQLAlchemy has in another place."""
    if name in _CONTEXT:
        return Translation(name, Action.CONTEXT, f"{refused}; files and versions of TLS go into an SSLContext")
    if setting := setting_of(name, value):
        return Translation(name, Action.SETTINGS, f"{refused}; it is a setting of the server", settings=setting)
    if option := engine_option_of(name, value):
        reason = f"{refused}; it is an option of the engine's pool"
        return Translation(name, Action.ENGINE_OPTION, reason, key=option[0], value=option[1])
    return None


def _dropped(name: str, refused: str) -> Translation:
    if name in _LOST:
        return Translation(name, Action.DROP, f"{refused}; {_LOST[name]}", same=False)
    if name in CODE_ONLY:
        return Translation(
            name, Action.DROP, "it takes an object, which no URL can hold: pass it in connect_args", same=False
        )
    if name in ("schema", "currentSchema"):
        return Translation(name, Action.DROP, f"{refused}; `public` is searched anyway")
    if why := _DROPPED.get(name) or FOREIGN.get(name):
        return Translation(name, Action.DROP, f"{refused}; {why}")
    if name.lower().startswith("ssl"):
        return Translation(
            name, Action.INVALID, f"`{name}` is no parameter of any Postgres driver; did you mean sslmode?"
        )
    return Translation(name, Action.DROP, f"{refused}; no Postgres driver knows it", same=False)


def _mode(name: str, value: str) -> Translation:
    mode = parse_mode(value)
    if mode is None:
        return Translation(name, Action.INVALID, f"`{name}` must be one of {', '.join(SSL_MODES)}")
    if name == "ssl" and value.replace("_", "-") == mode:
        return Translation(name, Action.KEEP, "")
    if mode == value:
        reason = f"{_REFUSED.format(name=name)}; its own name for it is `ssl`, with the same words"
        return Translation(name, Action.REPLACE, reason, text=f"ssl={mode}")
    guess = (
        "" if mode == "disable" else "; this one encrypts but does not authenticate the server: verify-full does both"
    )
    reason = f"asyncpg takes one of {', '.join(SSL_MODES)} for it{guess}"
    return Translation(name, Action.REPLACE, reason, text=f"ssl={mode}", same=mode == "disable")


def _requiressl(name: str, value: str) -> Translation:
    refused = _REFUSED.format(name=name)
    if parse_bool(value):
        return Translation(
            name, Action.REPLACE, f"{refused}; it is the old spelling of sslmode=require", text="ssl=require"
        )
    return Translation(name, Action.DROP, f"{refused}; off is the default")


def _channel_binding(name: str, value: str) -> Translation:
    refused = _REFUSED.format(name=name)
    if value != "require":
        return Translation(name, Action.DROP, f"{refused}; asyncpg has no channel binding")
    lost = "asyncpg has no channel binding, so nobody in the middle is detected: ssl=verify-full or psycopg does that"
    return Translation(name, Action.DROP, f"{refused}; {lost}", same=False)


def _gssencmode(name: str, value: str) -> Translation:
    why = "asyncpg has no GSS encryption"
    return Translation(name, Action.DROP, f"{_REFUSED.format(name=name)}; {why}", same=value != "require")


def _sslnegotiation(name: str, value: str) -> Translation:
    refused = _REFUSED.format(name=name)
    if value != "direct":
        return Translation(name, Action.DROP, f"{refused}; this is the default")
    return Translation(
        name, Action.CONNECT_ARG, f"{refused}; its name there is direct_tls", key="direct_tls", value=True
    )


def _direct_tls(name: str, value: str) -> Translation:
    on = parse_bool(value)
    if on is None:
        return Translation(name, Action.INVALID, f"`{name}` must be true or false")
    return Translation(name, Action.CONNECT_ARG, "as text from the URL even `false` counts as true", key=name, value=on)


def _connect_timeout(name: str, value: str) -> Translation:
    seconds = parse_number(value)
    if seconds is None:
        return Translation(name, Action.INVALID, f"`{name}` must be a number of seconds")
    limit = float(seconds) if seconds > 0 else None
    unlimited = "; 0 means no limit in libpq, which is None in asyncpg" if limit is None else ""
    reason = f"{_REFUSED.format(name=name)}; its name there is timeout{unlimited}"
    return Translation(name, Action.CONNECT_ARG, reason, key="timeout", value=limit)


def _number(name: str, value: str) -> Translation:
    number = parse_number(value)
    if number is None:
        return Translation(name, Action.INVALID, f"`{name}` must be a number")
    reason = "asyncpg compares it with numbers, and from the URL it comes as text: TypeError at the first connection"
    if name == "timeout":
        return Translation(name, Action.CONNECT_ARG, reason, key=name, value=float(number) if number > 0 else None)
    return Translation(name, Action.CONNECT_ARG, reason, key=name, value=int(number))


def _kept_number(name: str, value: str) -> Translation:
    number = parse_number(value)
    if number is None or (name == "command_timeout" and number <= 0):
        return Translation(
            name,
            Action.INVALID,
            f"`{name}` must be a number above 0" if name == "command_timeout" else f"`{name}` must be a number",
        )
    return Translation(name, Action.KEEP, "")


def _application_name(name: str, value: str) -> Translation:
    reason = f"{_REFUSED.format(name=name)}; it is a setting of the server"
    return Translation(name, Action.SETTINGS, reason, settings=(("application_name", value),))


def _options(name: str, value: str) -> Translation:
    settings, rest = settings_in_options(value)
    refused = _REFUSED.format(name=name)
    routed = [one for one in rest if one.startswith(("endpoint=", "project="))]
    why = "; the provider finds the endpoint by the host name that TLS sends" if routed else ""
    if settings:
        return Translation(
            name,
            Action.SETTINGS,
            f"{refused}; these are settings of the server{why}",
            settings=settings,
            same=len(rest) == len(routed),
        )
    return Translation(name, Action.DROP, f"{refused}{why}", same=bool(rest) and len(rest) == len(routed))


_SPECIAL: dict[str, Callable[[str, str], Translation]] = {
    "sslmode": _mode,
    "ssl": _mode,
    "requiressl": _requiressl,
    "channel_binding": _channel_binding,
    "gssencmode": _gssencmode,
    "sslnegotiation": _sslnegotiation,
    "direct_tls": _direct_tls,
    "connect_timeout": _connect_timeout,
    "connectTimeout": _connect_timeout,
    "command_timeout": _kept_number,
    "prepared_statement_cache_size": _kept_number,
    "application_name": _application_name,
    "fallback_application_name": _application_name,
    "options": _options,
    **dict.fromkeys(NUMERIC_IN_CONNECT_ARGS, _number),
}
