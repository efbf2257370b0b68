"""Reads what is no URL: libpq's keyword/value strings, ADO.NET strings, ``psql`` command lines."""

from __future__ import annotations

import re
from itertools import zip_longest

from pytest_asyncdb.urls.parsed import (
    Host,
    InvalidURL,
    Offsets,
    Parameter,
    ParsedUrl,
    is_secret_parameter,
    masked_parameters,
    unwrapped,
)

_PAIR = re.compile(
    r"\s*(?P<name>\w+)\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>(?:\\.|[^\s'\\])*))(?=\s|$)", re.DOTALL
)
_NET_PAIR = re.compile(
    r"[;\s]*(?P<name>\w[\w ]*?)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<plain>[^;]*))(?=;|$)"
)
_NET_NAMES = {
    "server": "host",
    "data source": "host",
    "user id": "user",
    "userid": "user",
    "username": "user",
    "uid": "user",
    "pwd": "password",
    "database": "dbname",
    "initial catalog": "dbname",
    "ssl mode": "sslmode",
    "root certificate": "sslrootcert",
    "ssl certificate": "sslcert",
    "ssl key": "sslkey",
    "timeout": "connect_timeout",
    "maximum pool size": "max_size",
    "minimum pool size": "min_size",
}
_NET_MODES = {"verifyca": "verify-ca", "verifyfull": "verify-full"}

_COMMAND = re.compile(r"(?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:\S*/)?(?:psql|pg_dump|pgcli|pg_isready)(?=\s|$)")
_QUOTED_ARGUMENT = re.compile(r"(?<=[\s=])(?P<quote>['\"])(?P<value>.*?)(?P=quote)", re.DOTALL)
_PLAIN_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"]+")
_FLAGS = {"h": "host", "p": "port", "U": "user", "d": "dbname", "username": "user"}
_FLAG = re.compile(
    r"(?:^|(?<=\s))(?:PG(?P<variable>[A-Z]+)=|-(?P<short>[hpUd])[\s=]*|--(?P<long>host|port|username|dbname)[\s=]+)(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\"]+)"
)
_VARIABLES = {"DATABASE": "dbname"}
_OWN = frozenset({"host", "port", "user", "password", "dbname", "database"})


def parse_conninfo(text: str, start: int, end: int) -> ParsedUrl:
    """Read ``host=... dbname=...`` (libpq) or ``Host=...;Database=...`` (ADO.NET) between two offsets.

    Raises:
        InvalidURL: it is neither of them.
    """
    inside = text[start:end]
    if ";" in inside and _NET_PAIR.match(inside):
        return _built(text, (start, end), _net_pairs(text, start, end))
    found = []
    position = start
    while position < end:
        match = _PAIR.match(text, position, end)
        if match is None:
            raise InvalidURL(
                "this is no database URL: it has no `scheme://`, and it is no list of keyword=value pairs either;"
                " write postgresql://user:password@host:5432/database"
            )
        value = match["plain"] if match["quoted"] is None else match["quoted"]
        span = (match.start("name"), match.end())
        found.append(Parameter(match["name"], re.sub(r"\\(.)", r"\1", value), span))
        position = match.end()
    return _built(text, (start, end), tuple(found))


def parse_command(text: str, start: int, end: int) -> Offsets | ParsedUrl | None:
    """Look into a ``psql`` command line.

    Returns:
        Offsets of the URL or conninfo in it, or what its flags say; None when the text is no such command.
    """
    command = _COMMAND.match(text, start, end)
    if command is None:
        return None
    quoted = _QUOTED_ARGUMENT.search(text, command.end(), end)
    if quoted and ("://" in quoted["value"] or "=" in quoted["value"]):
        inner = unwrapped(quoted["value"])
        return quoted.start("value") + inner[0], quoted.start("value") + inner[1]
    plain = _PLAIN_URL.search(text, command.end(), end)
    return plain.span() if plain else _built(text, (start, end), _flags(text, start, command.end(), end))


def _flags(text: str, start: int, arguments: int, end: int) -> tuple[Parameter, ...]:
    found = []
    last = arguments
    for match in _FLAG.finditer(text, start, end):
        flag = match["short"] or match["long"]
        name = _FLAGS.get(flag, flag) if flag else _VARIABLES.get(match["variable"], match["variable"].lower())
        found.append(Parameter(name, match["value"].strip("'\""), match.span()))
        last = max(last, match.end())
    rest = re.compile(r"[^\s-]\S*").search(text, last, end)
    if rest and not any(one.name == "dbname" for one in found):
        found.append(Parameter("dbname", rest[0], rest.span()))
    return tuple(found)


def _net_pairs(text: str, start: int, end: int) -> tuple[Parameter, ...]:
    found = []
    for match in _NET_PAIR.finditer(text, start, end):
        written = match["name"].lower()
        value = next(one for one in (match["double"], match["single"], match["plain"]) if one is not None).strip()
        name = _NET_NAMES.get(written, written.replace(" ", "_"))
        if name == "sslmode":
            value = _NET_MODES.get(value.lower(), value.lower())
        found.append(Parameter(name, value, (match.start("name"), match.end())))
    return tuple(found)


def _built(text: str, span: Offsets, pairs: tuple[Parameter, ...]) -> ParsedUrl:
    """Sort pairs into a URL's own parts and parameters."""
    own = {pair.name: pair for pair in pairs if pair.name in _OWN}
    values = {name: pair.value for name, pair in own.items()}
    names, ports = values.get("host", ""), values.get("port", "")
    several = zip_longest(names.split(","), ports.split(",") if ports else ())
    hosts = tuple(Host(name or "", port) for name, port in several) if names or ports else ()
    database = own.get("dbname") or own.get("database")
    password, user = own.get("password"), own.get("user")
    masked = masked_parameters(text[span[0] : span[1]], span[0], tuple(p for p in pairs if is_secret_parameter(p.name)))
    return ParsedUrl(
        form="conninfo",
        scheme="",
        username=user.value if user else None,
        password=password.value if password else None,
        hosts=hosts,
        database=database.value if database else None,
        raw_database=database.value if database else None,
        parameters=tuple(pair for pair in pairs if pair.name not in _OWN),
        span=span,
        scheme_span=(span[0], span[0]),
        password_span=password.span if password else None,
        path_span=database.span if database else None,
        query_span=(span[1], span[1]),
        masked=masked,
    )
