"""Takes a database URL apart, whatever provider, framework or shell it was copied from.

Pure and tolerant: quotes, whitespace, ``psql`` command lines, ``jdbc:`` URLs, keyword/value strings, several hosts,
sockets and passwords that should have been percent-encoded are all understood. Nothing is judged here.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

from pytest_asyncdb.urls.conninfo import parse_command, parse_conninfo
from pytest_asyncdb.urls.parsed import Host, InvalidURL, Parameter, ParsedUrl, masked_parameters, unwrapped
from pytest_asyncdb.urls.redact import MASK

__all__ = ["Host", "InvalidURL", "Parameter", "ParsedUrl", "parse_url", "split_hosts"]

_SCHEME = re.compile(r"(?P<scheme>jdbc:[A-Za-z]\w*|[A-Za-z][\w+.-]*)(?:://|(?<=jdbc:postgresql):)")
_TEMPLATE = re.compile(r"\$?\{(?![:@/?])[^{}]*\}")
"""No expression begins with what separates the parts of a URL: there, braces are characters of a password."""
_QUERY_START = re.compile(r"\?(?=$|&|[\w.%-]+=)")
_SOCKET_HOST = re.compile(r"(?P<name>(?:/|%2[Ff]).*?)(?::(?P<port>\d+))?")
_HOST = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>(?:\$?\{(?![:@/?])[^{}]*\}|[^:])*))(?::(?P<port>.*))?", re.DOTALL)
_BARE_V6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def parse_url(text: str) -> ParsedUrl:
    """Take a database URL apart.

    Args:
        text: the value as read, with whatever surrounds the URL proper.

    Raises:
        InvalidURL: there is neither a URL nor a keyword/value string in the text.
    """
    start, end = unwrapped(text)
    if start == end:
        raise InvalidURL("the database URL is empty")
    scheme = _SCHEME.match(text, start, end)
    if scheme:
        return _parse(text, start, end, scheme)
    inside = parse_command(text, start, end)
    if isinstance(inside, ParsedUrl):
        return inside
    if inside is not None:
        start, end = inside
        scheme = _SCHEME.match(text, start, end)
    return _parse(text, start, end, scheme) if scheme else parse_conninfo(text, start, end)


def split_hosts(text: str) -> tuple[Host, ...]:
    """Take ``h1:5432,[::1]:5433,/socket/dir`` apart."""
    return tuple(_host(piece) for piece in re.split(r",(?![^\[]*\])", text)) if text else ()


def _parse(text: str, start: int, end: int, scheme: re.Match[str]) -> ParsedUrl:
    # Templates may hold `@`, `/` or `?`: positions are looked up in a copy in which they are opaque.
    plain = text[: scheme.end()] + _TEMPLATE.sub(lambda m: "x" * len(m[0]), text[scheme.end() : end])
    at = _credentials_end(plain, scheme.end(), end)
    host_start = at + 1 if at >= 0 else scheme.end()
    question = _query_start(plain, host_start, end)
    slash = plain.find("/", host_start, question)
    host_end = slash if slash >= 0 else question
    userinfo = (scheme.end(), at) if at >= 0 else None
    colon = plain.find(":", *userinfo) if userinfo else -1
    username = text[userinfo[0] : colon if colon >= 0 else at] if userinfo else None
    hosts = split_hosts(text[host_start:host_end])
    parameters = _parameters(text, question, end)
    masked = masked_parameters(text[start:end], start, parameters)
    if colon >= 0:
        masked = masked[: colon + 1 - start] + MASK + masked[at - start :]
    raw_database = text[slash + 1 : question] if slash >= 0 else None
    if slash < 0 and not scheme[0].endswith("//"):  # jdbc:postgresql:database
        raw_database, hosts, slash = text[host_start:host_end], (), host_start - 1
    return ParsedUrl(
        form="url",
        scheme=scheme["scheme"],
        username=None if username is None else unquote(username),
        password=unquote(text[colon + 1 : at]) if colon >= 0 else None,
        hosts=hosts,
        database=None if raw_database is None else unquote(raw_database),
        raw_database=raw_database,
        parameters=parameters,
        span=(start, end),
        scheme_span=scheme.span("scheme"),
        password_span=(colon + 1, at) if colon >= 0 else None,
        path_span=(slash + 1, question) if slash >= 0 else None,
        query_span=(question, end),
        masked=masked,
    )


def _query_start(plain: str, start: int, end: int) -> int:
    found = _QUERY_START.search(plain, start, end)
    return found.start() if found else end


def _credentials_end(plain: str, start: int, end: int) -> int:
    """Position of the ``@`` that ends the credentials, or -1.

    It is the last one before the query: whoever forgot to encode an ``@``, ``/`` or ``?`` in the password meant it to
    belong there. Unless no path would be left: then it stands in the database, which SQLAlchemy 2.0 does not encode.
    """
    question = _query_start(plain, start, end)
    at = plain.rfind("@", start, question)
    if at >= 0 and plain.find("/", at, question) < 0:
        slash = plain.find("/", start, at)
        earlier = plain.rfind("@", start, slash) if slash >= 0 else -1
        return earlier if earlier >= 0 else at
    if at >= 0 or question == end:
        return at
    # `user:pass?word=1@host/db`: before the "query" there is no path, and what follows the colon is no port.
    head = plain[start:question]
    if "/" in head or not re.search(r":(?!\d*$)", head):
        return -1
    first = plain.find("@", question, end)
    return plain.rfind("@", start, _query_start(plain, first, end)) if first >= 0 else -1


def _host(piece: str) -> Host:
    socket = _SOCKET_HOST.fullmatch(piece)
    if socket:
        return Host(unquote(socket["name"]), socket["port"])
    if _BARE_V6.fullmatch(piece):
        return Host(piece)
    match = _HOST.fullmatch(piece)
    if match is None:
        return Host(piece)
    return Host(unquote(match["v6"] if match["v6"] is not None else match["name"]), match["port"])


def _parameters(text: str, question: int, end: int) -> tuple[Parameter, ...]:
    found = []
    for match in re.compile(r"[^&]+").finditer(text, question + 1, end):
        name, _, value = match[0].partition("=")
        found.append(Parameter(unquote_plus(name), unquote_plus(value), match.span()))
    return tuple(found)
