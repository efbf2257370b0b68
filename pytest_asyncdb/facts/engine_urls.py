"""Making the URL of an engine from what is written, and from what code visibly does to it."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from pytest_asyncdb.facts.engines import EngineUrl
from pytest_asyncdb.facts.literals import literal_of
from pytest_asyncdb.facts.urls import UrlParameter
from pytest_asyncdb.urls.parse import InvalidURL, parse_url
from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_asyncdb.facts.codebase import Source
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place

_APPENDED = re.compile(r"[?&][\w.%-]+=[^?{}\s]*$")
_PARAMETER = re.compile(r"(?P<name>[\w.%-]+)=(?P<value>[^&]*)")


def uncertain(url: EngineUrl | None) -> EngineUrl | None:
    """The same URL, as what it may be: project code that nobody has run stands between."""
    return replace(url, certain=False) if url is not None else None


def of_written(url: WrittenUrl) -> EngineUrl:
    """The URL of an engine that uses what stands in a file as it is."""
    return EngineUrl(
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        database=url.database,
        username=url.username,
        parameters=tuple((one.name, one.value) for one in url.parameters),
        place=url.span.place,
        certain=True,
        written=url,
    )


def of_text(text: str, place: Place) -> EngineUrl | None:
    """The URL that a text is; None when it is none."""
    try:
        url = parse_url(text)
    except InvalidURL:
        return None
    parameters = tuple((one.name, MASK if is_secret_parameter(one.name) else one.value) for one in url.parameters)
    return EngineUrl(url.scheme, url.host, url.port, url.database, url.username, parameters, place, certain=True)


def of_parts(scheme: str, given: Mapping[str, ast.expr], place: Place, *, certain: bool) -> EngineUrl:
    """The URL that is put together from parts, as far as they are literals."""
    text = {name: as_text(value.value) for name, value in given.items() if isinstance(value, ast.Constant)}
    return EngineUrl(
        scheme=scheme,
        host=text.get("host"),
        port=text.get("port"),
        database=text.get("database") or text.get("path"),
        username=text.get("username"),
        parameters=query_of(given.get("query")),
        place=place,
        certain=certain,
    )


def with_scheme(url: EngineUrl | None, node: ast.Call) -> EngineUrl | None:
    """``url.set(drivername="postgresql+asyncpg")``."""
    given = next((one.value for one in node.keywords if one.arg in ("drivername", "scheme")), None)
    if url is not None and isinstance(given, ast.Constant) and isinstance(given.value, str):
        return replace(url, scheme=given.value, certain=False)
    return uncertain(url)


def replaced(url: EngineUrl | None, node: ast.Call) -> EngineUrl | None:
    """``url.replace("postgresql://", "postgresql+asyncpg://")``, carried out on scheme and query."""
    texts = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if url is None or len(texts) < 2:  # noqa: PLR2004 - what and by what
        return uncertain(url)
    scheme = f"{url.scheme}://".replace(texts[0], texts[1]).partition("://")[0]
    query = "&".join(f"{name}={value}" for name, value in url.parameters)
    kept = parse_qsl(f"?{query}".replace(texts[0], texts[1]).lstrip("?&"), keep_blank_values=True)
    return replace(url, scheme=scheme, parameters=tuple(kept), certain=False)


def with_parameters(url: EngineUrl | None, added: Iterable[UrlParameter]) -> EngineUrl | None:
    """The URL with the parameters that code appends to it."""
    more = tuple(added)
    if url is None or not more:
        return url
    pairs = tuple((one.name, one.value) for one in more)
    return replace(url, parameters=(*url.parameters, *pairs), added=(*url.added, *more), certain=False)


def without_query(url: EngineUrl | None) -> EngineUrl | None:
    """``url.split("?")[0]``: the same URL, its parameters cut off."""
    return replace(url, parameters=(), added=()) if url is not None else None


def appended_parameters(source: Source, node: ast.expr) -> Iterator[UrlParameter]:
    """The parameters at the end of a string: ``"?ssl=require"``, ``f"{url}?ssl=require"``."""
    literal = literal_of(source, node)
    query = _APPENDED.search(literal.text) if literal is not None else None
    if literal is None or query is None:
        return
    for match in _PARAMETER.finditer(literal.text, query.start()):
        name, value = unquote_plus(match["name"]), unquote_plus(match["value"])
        span = source.lines.span(literal.position(match.start()), literal.position(match.end() - 1) + 1)
        yield UrlParameter(name, MASK if is_secret_parameter(name) else value, span)


def query_of(node: ast.expr | None) -> tuple[tuple[str, str], ...]:
    """The literal entries of ``query={...}``; values of secret parameters are masked."""
    if not isinstance(node, ast.Dict):
        return ()
    pairs = ((key.value, value.value) for key, value in _constants(node))
    return tuple((str(key), MASK if is_secret_parameter(str(key)) else str(value)) for key, value in pairs)


def _constants(node: ast.Dict) -> list[tuple[ast.Constant, ast.Constant]]:
    pairs = zip(node.keys, node.values, strict=True)
    return [(key, value) for key, value in pairs if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)]


def as_text(value: object) -> str | None:
    """A literal as it would stand in a URL."""
    return None if value is None else str(value)
