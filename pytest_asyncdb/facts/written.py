"""Database URLs as they stand in the project's files, with the exact position of each part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.codebase import Source
from pytest_asyncdb.facts.deployment import COMPOSE, DOCKERFILE
from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.literals import literal_urls
from pytest_asyncdb.facts.urls import UrlParameter, WrittenUrl
from pytest_asyncdb.sources.dotenv import entries
from pytest_asyncdb.urls.parse import InvalidURL, parse_url
from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.redact import MASK, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.model.place import Span
    from pytest_asyncdb.sources.project import Project
    from pytest_asyncdb.urls.parsed import Parameter

_SCHEMES = r"(?:jdbc:)?(?:postgres(?:ql)?|pgsql|cockroachdb|redshift|mysql|mariadb|sqlite|mssql|oracle)(?:\+\w+)?"
DATABASE_URL = re.compile(rf"(?<![\w+])(?:{_SCHEMES}://|jdbc:postgresql:)", re.IGNORECASE)
_IN_BYTES = re.compile(DATABASE_URL.pattern.encode(), re.IGNORECASE)
_IN_INI = re.compile(rf"(?im)^[ \t]*(?P<key>[\w.\-]+)[ \t]*[=:][ \t]*[\"']?(?P<url>{_SCHEMES}://[^\s\"']+)")
_IN_COMPOSE = re.compile(
    rf"(?im)^[ \t]*(?:-[ \t]*)?[\"']?(?P<key>[\w.\-]+)[\"']?[ \t]*[:=][ \t]*[\"']?(?P<url>{_SCHEMES}://[^\s\"']+)"
)
_IN_DOCKERFILE = re.compile(
    rf"(?im)^[ \t]*(?:ENV|ARG)[ \t]+(?P<key>[\w.\-]+)[ \t]*[= \t][ \t]*[\"']?(?P<url>{_SCHEMES}://[^\s\"']+)"
)
_EXAMPLE = re.compile(r"(?i)example|sample|template|(?<![a-z])dist(?![a-z])|default")
_TEST = re.compile(r"(?i)(?<![a-z])test(?:s|ing)?(?![a-z])")
_SHOWN_PASSWORD = re.compile(r"(?i)(?:[a-z]+[-_.])*[a-z]*(?:password|passwd|pass|pwd|secret)(?:[-_.][a-z]+)*\d{0,3}!?")
"""What examples put in a password's place: words, one of which says what it is (``secure_password``)."""
_TEMPLATE = re.compile(r"\$?\{[^{}]*\}|%\(?\w*\)?s|<[^<>]+>")


def written_urls(project: Project, codebase: Codebase) -> tuple[WrittenUrl, ...]:
    """Find every database URL in ``.env`` files, ini files, compose files, Dockerfiles and string literals."""
    return (*_in_env_files(project), *_in_settings(project), *_in_python(project, codebase))


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known about the place of a URL; ``position`` maps an offset in its text to one in the file."""

    path: str
    kind: str
    key: str | None
    role: str
    position: Callable[[int], int]


def written_url(project: Project, text: str, spot: Spot) -> WrittenUrl | None:
    """Describe the URL that a text of the project is; None when it is none, or no edit of it would be exact."""
    try:
        url = parse_url(text)
    except InvalidURL:
        return None

    def span(part: tuple[int, int]) -> Span:
        start, end = part
        first = spot.position(start)
        return project.lines(spot.path).span(first, spot.position(end - 1) + 1 if end > start else first)

    exact = (url.scheme_span, url.query_span, *(one.span for one in url.parameters))
    if not url.scheme or any(len(range(*one)) != span(one).end - span(one).start for one in exact):
        return None  # a part is spread over several string literals
    return WrittenUrl(
        kind=spot.kind,
        key=spot.key,
        masked=url.masked,
        span=span(url.span),
        scheme=url.scheme,
        scheme_span=span(url.scheme_span),
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        parameters=tuple(UrlParameter(one.name, _shown(one), span(one.span)) for one in url.parameters),
        query_span=span(url.query_span),
        has_password=bool(url.password),
        password_is_placeholder=bool(url.password) and _is_stand_in(url.password or "", spot.kind),
        tracked=project.tracked(spot.path),
        role=spot.role,
    )


def _may_have_url(project: Project, path: str) -> bool:
    data = project.searchable(path)
    return (b"://" in data or b"jdbc:" in data) and _IN_BYTES.search(data) is not None


def _shown(parameter: Parameter) -> str:
    return MASK if is_secret_parameter(parameter.name) else parameter.value


def _is_stand_in(password: str, kind: str) -> bool:
    if kind == "env-example" and _SHOWN_PASSWORD.fullmatch(password):
        return True
    return is_placeholder(password) or _TEMPLATE.search(password) is not None


def is_example(path: str) -> bool:
    """Whether a file of the ``.env`` family shows which settings there are, and gives none: ``.env.example``."""
    return _EXAMPLE.search(path.rpartition("/")[2]) is not None


def _in_env_files(project: Project) -> Iterator[WrittenUrl]:
    for path in project.env_files:
        if not _may_have_url(project, path):
            continue
        name = path.rpartition("/")[2]
        kind = "env-example" if is_example(path) else "env"
        role = "test" if _TEST.search(name) else role_of(path)
        text = project.text(path)
        for entry in entries(text):
            raw = text[entry.value_start : entry.value_end]
            if DATABASE_URL.search(raw):
                spot = Spot(path, kind, entry.key, role, partial(add, entry.value_start))
                yield from _found(project, raw, spot)


def _in_settings(project: Project) -> Iterator[WrittenUrl]:
    for path in project.sources:
        if path.endswith(".ini"):
            kind, pattern = "ini", _IN_INI
        elif COMPOSE.fullmatch(path):
            kind, pattern = "compose", _IN_COMPOSE
        elif DOCKERFILE.fullmatch(path):
            kind, pattern = "docker", _IN_DOCKERFILE
        else:
            continue
        if not _may_have_url(project, path):
            continue
        role = "migration" if "alembic" in path else "test" if _TEST.search(path) else role_of(path)
        for match in pattern.finditer(project.text(path)):
            spot = Spot(path, kind, match["key"], role, partial(add, match.start("url")))
            yield from _found(project, match["url"], spot)


def _in_python(project: Project, codebase: Codebase) -> Iterator[WrittenUrl]:
    holders = project.holders(b"://")
    for path in project.python_files:
        if path not in holders or not _may_have_url(project, path):
            continue
        source = codebase.parse(path)
        for literal in literal_urls(source, DATABASE_URL) if isinstance(source, Source) else ():
            spot = Spot(path, "python", literal.key, codebase.role(path), literal.position)
            yield from _found(project, literal.text, spot)


def _found(project: Project, text: str, spot: Spot) -> Iterator[WrittenUrl]:
    url = written_url(project, text, spot)
    if url is not None:
        yield url
