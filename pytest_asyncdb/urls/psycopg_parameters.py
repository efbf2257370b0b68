"""What each parameter of a database URL must become for SQLAlchemy with psycopg.

psycopg hands parameters to libpq, which refuses what it does not know (``invalid connection option``). Seen with
psycopg 3.3 and libpq 18.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.translation import (
    SSL_MODES,
    Action,
    Translation,
    parse_bool,
    parse_mode,
    parse_number,
)
from pytest_asyncdb.urls.vocabulary import (
    ADDRESS,
    ASYNCPG_ONLY,
    CODE_ONLY,
    FOREIGN,
    LIBPQ,
    engine_option_of,
    setting_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_REFUSED = "libpq has no parameter `{name}`: psycopg refuses it when it connects"


def translate_for_psycopg(name: str, value: str, *, libpq: frozenset[str] = LIBPQ) -> Translation:
    """Tell what one URL parameter must become for SQLAlchemy with psycopg.

    Args:
        name: the parameter, decoded.
        value: its value, decoded.
        libpq: the parameters that the libpq in use knows.
    """
    if not value:
        return Translation(name, Action.DROP, "an empty parameter says nothing")
    if name in _SPECIAL:
        return _SPECIAL[name](name, value)
    if name in ADDRESS and name != "hostaddr":
        return Translation(name, Action.ADDRESS, "it is said in the URL itself")
    if name in libpq and is_secret_parameter(name):
        return Translation(name, Action.CONNECT_ARG, "a secret in the query would be printed", key=name, value=value)
    if name in libpq or name == "plugin":
        return Translation(name, Action.KEEP, "")
    return _moved(name, value) or _dropped(name)


def _moved(name: str, value: str) -> Translation | None:
    """What psycopg, libpq or SQLAlchemy has in another place."""
    refused = _REFUSED.format(name=name)
    if name == "servicefile":
        return Translation(name, Action.RESOLVE, refused)
    if setting := setting_of(name, value):
        return Translation(name, Action.SETTINGS, f"{refused}; it is a setting of the server", settings=setting)
    if option := engine_option_of(name, value):
        reason = f"{refused}; it is an option of the engine's pool"
        return Translation(name, Action.ENGINE_OPTION, reason, key=option[0], value=option[1])
    return None


def _dropped(name: str) -> Translation:
    refused = _REFUSED.format(name=name)
    if name.lower().startswith("ssl") and name not in LIBPQ | FOREIGN.keys():
        reason = f"`{name}` is no parameter of any Postgres driver; did you mean sslmode?"
        return Translation(name, Action.INVALID, reason)
    if name in LIBPQ:
        return Translation(name, Action.DROP, "the installed libpq is too old for it", same=False)
    if name in CODE_ONLY:
        return Translation(name, Action.DROP, f"{refused}; it is an argument of asyncpg.connect()", same=False)
    known = "it is a parameter of asyncpg" if name in ASYNCPG_ONLY else FOREIGN.get(name)
    if name in ("schema", "currentSchema"):
        known = "`public` is searched anyway"
    return Translation(name, Action.DROP, f"{refused}; {known or 'no Postgres driver knows it'}", same=bool(known))


def _mode(name: str, value: str) -> Translation:
    mode = parse_mode(value)
    if mode is None:
        return Translation(name, Action.INVALID, f"`{name}` must be one of {', '.join(SSL_MODES)}")
    if name == "sslmode" and value == mode:
        return Translation(name, Action.KEEP, "")
    if name == "requiressl" and mode == "disable":
        return Translation(name, Action.DROP, "off is the default")
    reason = f"libpq has sslmode, with one of {', '.join(SSL_MODES)}"
    return Translation(name, Action.REPLACE, reason, text=f"sslmode={mode}")


def _timeout(name: str, value: str) -> Translation:
    seconds = parse_number(value)
    if seconds is None:
        return Translation(name, Action.INVALID, f"`{name}` must be a number of seconds")
    if name == "connect_timeout" and isinstance(seconds, int):
        return Translation(name, Action.KEEP, "")
    if seconds <= 0:
        return Translation(name, Action.DROP, "no limit is the default of libpq")
    reason = "libpq has connect_timeout, in whole seconds"
    return Translation(name, Action.REPLACE, reason, text=f"connect_timeout={math.ceil(seconds)}")


def _command_timeout(name: str, value: str) -> Translation:
    seconds = parse_number(value)
    if seconds is None or seconds <= 0:
        return Translation(name, Action.INVALID, f"`{name}` must be a number above 0")
    reason = f"{_REFUSED.format(name=name)}; the server's statement_timeout comes nearest"
    settings = (("statement_timeout", str(math.ceil(seconds * 1000))),)
    return Translation(name, Action.SETTINGS, reason, settings=settings)


def _prepare_threshold(name: str, value: str) -> Translation:
    number = None if value.lower() == "none" else parse_number(value)
    if number is None and value.lower() != "none":
        return Translation(name, Action.INVALID, f"`{name}` must be a number or None")
    reason = "psycopg compares it with numbers, and from the URL it comes as text: TypeError on executing"
    return Translation(name, Action.CONNECT_ARG, reason, key=name, value=None if number is None else int(number))


def _statement_cache(name: str, value: str) -> Translation:
    refused = _REFUSED.format(name=name)
    if parse_number(value) == 0:
        reason = f"{refused}; psycopg prepares no statements when prepare_threshold is None"
        return Translation(name, Action.CONNECT_ARG, reason, key="prepare_threshold", value=None)
    return Translation(name, Action.DROP, f"{refused}; it is a parameter of asyncpg")


def _direct_tls(name: str, value: str) -> Translation:
    on = parse_bool(value)
    if on is None:
        return Translation(name, Action.INVALID, f"`{name}` must be true or false")
    if on:
        return Translation(name, Action.REPLACE, "libpq has sslnegotiation", text="sslnegotiation=direct")
    return Translation(name, Action.DROP, "off is the default")


def _application_name(name: str, value: str) -> Translation:
    from urllib.parse import quote_plus

    return Translation(name, Action.REPLACE, "libpq's name for it", text=f"application_name={quote_plus(value)}")


_SPECIAL: dict[str, Callable[[str, str], Translation]] = {
    "ssl": _mode,
    "sslmode": _mode,
    "requiressl": _mode,
    "timeout": _timeout,
    "connect_timeout": _timeout,
    "connectTimeout": _timeout,
    "command_timeout": _command_timeout,
    "prepare_threshold": _prepare_threshold,
    "statement_cache_size": _statement_cache,
    "prepared_statement_cache_size": _statement_cache,
    "direct_tls": _direct_tls,
    "ApplicationName": _application_name,
}
