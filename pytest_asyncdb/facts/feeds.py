"""How the project's own code can be made to turn a sample URL into an engine: found here, tried in the sandbox."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.calling import Caller
from pytest_asyncdb.facts.provenance import Walker, chosen_by
from pytest_asyncdb.sandbox.request import TrialRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_asyncdb.facts.bindings import Bound, RawCall, Scope
    from pytest_asyncdb.facts.codebase import Source
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.provenance import Provenance
    from pytest_asyncdb.facts.settings import SettingsReader
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sandbox.record import SampleRecord

_URL_NAME = re.compile(r"(?:^|_)(?:URL|URI|DSN|CONNECTION_STRING|CONN_STR|CONN_STRING)(?:$|_)", re.IGNORECASE)
_OF_DATABASES = re.compile(
    r"(?:^|_)(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQL|MYSQL|SQLALCHEMY|STORAGE|PRIMARY|WRITER|ASYNC)(?:$|_)"
)
_NOT_DATABASES = re.compile(r"(?i)redis|broker|celery|mongo|rabbit|amqp|sentry|test|sync_?only|smtp|http")
_SCHEME = re.compile(r"postgres(?:ql)?:|postgresql\+|asyncpg|psycopg")
_LOADED = re.compile(r"_asyncdb_load\('([\w.]+)'")
_ABOUT_URLS = re.compile(r"postgres|asyncpg|sslmode|://")
_TAKE_APART = frozenset({"urlparse", "urlsplit", "make_url"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class UrlHelper:
    """The project's code between a setting and an engine's URL; ``name`` is the setting, for people."""

    name: str
    place: Place
    engine: Place
    request: TrialRequest
    about_schemes: bool = True
    """Whether it has anything to do with the scheme of URLs; else it expects them with the right one."""


@dataclass(frozen=True, slots=True)
class UrlTrial:
    """What that code made of the samples; empty when it was not tried."""

    helper: UrlHelper
    results: tuple[SampleRecord, ...]


def with_driver(helpers: Iterable[UrlHelper], driver: str) -> tuple[UrlHelper, ...]:
    """The helpers; those that leave the scheme alone are to be tried on URLs that name the driver."""
    return tuple(
        one if one.about_schemes else replace(one, request=replace(one.request, driver=driver)) for one in helpers
    )


def trials(helpers: Iterable[UrlHelper], samples: Sequence[SampleRecord]) -> tuple[UrlTrial, ...]:
    """What each helper made of the sample URLs; a sample names its helper by number."""
    return tuple(
        UrlTrial(helper, tuple(one for one in samples if one.trial == number)) for number, helper in enumerate(helpers)
    )


class Feeds:
    """Finds such code.

    Args:
        flow: follows values.
        settings: reads settings classes.
    """

    def __init__(self, flow: Flow, settings: SettingsReader) -> None:
        """Nothing is searched yet."""
        self._flow = flow
        self._settings = settings

    def helpers(self, engines: Iterable[tuple[Source, RawCall, ast.expr, Scope]]) -> Iterator[UrlHelper]:
        """The helper of each engine, given with its file, its call, and its URL's expression; each trial once."""
        best: dict[TrialRequest, tuple[int, UrlHelper]] = {}
        for source, raw, url, scope in engines:
            walker = Walker(self._flow, self._settings)
            walker.walk(url, scope)
            rank, place = self._place(walker.found)
            trial = self._trial(source, raw, walker.found) if place is not None else None
            if place is None or trial is None or best.get(trial, (rank + 1,))[0] <= rank:
                continue
            made = source.span(raw.node).place
            helper = UrlHelper(_shown(walker.found), place, made, trial, self._is_about_schemes(walker.found))
            best[trial] = (rank, helper)
        yield from (helper for _, helper in best.values())

    def _trial(self, source: Source, raw: RawCall, found: Provenance) -> TrialRequest | None:
        variables = tuple(name for name in found.variables if _is_url(name))
        constants, values = chosen_by(found, self._flow, self._settings)
        fields = [(owner, name) for owner, name in found.fields if _is_field(name)]
        caller = Caller(self._flow, self._settings, found, fields, values)
        made = caller.invoke(raw.node, raw.scope)
        if made is None or not (variables or caller.takes_url):
            return None
        named = tuple(dict.fromkeys((*variables, *(name.upper() for name in variables))))
        others = tuple((name, value) for name, value in constants if name not in named)
        modules = (made[0], *_LOADED.findall(made[1]))
        packages = tuple(dict.fromkeys(name for module in modules for name in self._flow.packages_of(module)))
        return TrialRequest(made[0], made[1], source.path, named, others, packages)

    def _place(self, found: Provenance) -> tuple[int, Place | None]:
        """Where the code stands that makes another URL, None if nowhere, and a rank: the lower, the likelier."""
        takers = [one for one in found.functions if _takes_text(one[0]) and _changes_text(one[0])]
        others = [one for one in found.functions if one not in takers and _changes_text(one[0])]
        about = [one for one in found.changes if self._mentions_postgres(one[0])]
        places = [self._at(bound.definition, where) for bound, where in takers]
        ranked = [(0, place) for place in places]
        ranked += [(1 + (one not in about), self._at(*one)) for one in (*about, *found.changes)]
        ranked += [(3, self._at(bound.definition, where)) for bound, where in others]
        return next(((rank, place) for rank, place in ranked if place is not None), (4, None))

    def _at(self, node: ast.AST | None, where: Scope) -> Place | None:
        there = self._flow.source(where)
        if there is None or there.role != "app" or not isinstance(node, ast.stmt | ast.expr):
            return None
        return there.span(node).place

    def _is_about_schemes(self, found: Provenance) -> bool:
        bodies = [bound.definition for bound, _ in found.functions if bound.definition is not None]
        return any(self._mentions_postgres(node) for node in (*bodies, *(node for node, _ in found.changes)))

    def _mentions_postgres(self, node: ast.AST) -> bool:
        texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))
        return any(_SCHEME.search(text) for text in texts)


def _shown(found: Provenance) -> str:
    """The setting that the URL comes from, as a person knows it."""
    names = [
        *(name for name in found.variables if _is_url(name)),
        *(name for _, name in found.fields if _is_field(name)),
    ]
    return next((name for name in names if "__" not in name), next(iter(names), "url"))


def _is_url(name: str) -> bool:
    """Whether a variable of that name has the URL of a database; ``db`` alone is as likely a part of one."""
    if _NOT_DATABASES.search(name) or not _URL_NAME.search(name):
        return False
    return name.lower() == "dsn" or _OF_DATABASES.search(name.upper()) is not None


def _is_field(name: str) -> bool:
    return _is_url(name) or name.lower() in ("url", "dsn", "uri")


def _takes_text(bound: Bound) -> bool:
    """Whether it is a function with a parameter of its own."""
    definition = bound.definition
    if not isinstance(definition, _FUNCTIONS):
        return False
    names = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args) if one.arg not in ("self", "cls")]
    return bool(names)


def _changes_text(bound: Bound) -> bool:
    """Whether its body has a constant that is about schemes or parameters of URLs, or takes a URL apart."""
    for node in ast.walk(bound.definition) if bound.definition is not None else ():
        match node:
            case ast.Constant(value=str(text)) if _ABOUT_URLS.search(text) and " " not in text.strip():
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _TAKE_APART:
                return True
    return False
