"""Options of Alembic's configuration that are set to a text whose percent signs nobody has doubled."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.codebase import Source
from pytest_asyncdb.facts.doubling import TELLING, Doubling
from pytest_asyncdb.facts.flow import Flow
from pytest_asyncdb.facts.roots import folders_of
from pytest_asyncdb.facts.settings import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.facts.bindings import RawCall
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.names import Names
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Span
    from pytest_asyncdb.sources.project import Project

URL = "sqlalchemy.url"
_SETTERS = {"set_main_option": 0, "set_section_option": 1}
"""The methods of Alembic's ``Config``, with the position of the option's name."""
_DEFINED = re.compile(rb"\bdef[ \t]+set_(?:main|section)_option\(")
"""A class of the project's own sets options in its own way."""
_IN_URL = re.compile(r"(?im)^[ \t]*sqlalchemy\.url[ \t]*[=:](?P<value>.*)")
_PLACEHOLDER = re.compile(r"%\((?P<name>[^)]+)\)s")
_OTHER_RULES = ("interpolation", "RawConfigParser", "file_config")
"""Words of a file that makes or reads the configuration in its own way."""
_PARTS = ("@", "/", "?", "+", ":")
"""How texts begin that are put after a password or taken out of a URL."""
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


@dataclass(frozen=True, slots=True)
class AlembicOption:
    """A call that hands Alembic's configuration a URL, or the password of one, with its percent signs as they are."""

    name: str
    """Of the option: ``sqlalchemy.url``."""
    setter: str
    """``set_main_option`` or ``set_section_option``."""
    call: Span
    last_line: int
    value: Span
    source: str
    """Of the value, without secrets; empty where one may be in it."""
    is_atom: bool
    """Whether a method call can follow the value as it is written."""
    role: str
    """Of the file: ``app``, ``test``, ``migration`` or ``script``."""
    certain: bool
    """Whether all of the value could be followed."""
    is_sqlite: bool = False
    """Whether every URL that the value is known to be is one of SQLite."""
    percent: WrittenUrl | None = None
    """A URL of the project's files that it may be, and that does have a percent sign."""


def alembic_options(
    project: Project, codebase: Codebase, names: Names, urls: Iterable[WrittenUrl], app: App | None
) -> Iterator[AlembicOption]:
    """Find every such call.

    Args:
        project: the project on disk.
        codebase: its modules.
        names: resolves names in them.
        urls: every URL written in the project.
        app: the app whose ``.env`` counts.
    """
    flow = Flow(codebase, names)
    settings = SettingsReader(flow, urls, folders_of(app))
    inside = _names_in_urls(project)
    for one in options_set(project, codebase):
        if one.name.lower() != URL and not (one.name.lower() in inside and TELLING.search(one.name)):
            continue
        if not any(word in one.source.lines.text for word in _OTHER_RULES):
            option = _option(project, one, Doubling(flow, settings))
            if option is not None:
                yield option


@dataclass(frozen=True, slots=True)
class OptionSet:
    """A call that sets an option of Alembic's configuration."""

    source: Source
    raw: RawCall
    name: str
    value: ast.expr


def options_set(project: Project, codebase: Codebase) -> Iterator[OptionSet]:
    """Every such call whose option is named where it stands; none in a project that sets options in its own way."""
    holders = project.holders(*(f"{name}(".encode() for name in _SETTERS))
    if any(_DEFINED.search(project.data(path) or b"") for path in holders):
        return
    for path in sorted(holders.intersection(codebase.names)):
        source = codebase.parse(path)
        if isinstance(source, Source) and source.role != "generated":
            for raw in source.calls:
                at = _SETTERS.get(getattr(raw.node.func, "attr", ""))
                given = {one.arg: one.value for one in raw.node.keywords}
                args = raw.node.args[at:] if at is not None else []
                name, value = given.get("name", *args[:1]), given.get("value", *args[1:2])
                if at is not None and value is not None and isinstance(name, ast.Constant):
                    yield OptionSet(source, raw, str(name.value), value)


def shown(project: Project, source: Source, value: ast.expr) -> str:
    """An expression for people; empty where a text in it may be a password, or a comment is in it."""
    nodes = list(ast.walk(value))
    calls = [one for one in nodes if isinstance(one, ast.Call) and one.args]
    named = {id(one.args[0]) for one in calls if "quote" not in source.segment(one.func)}
    named |= {id(one.slice) for one in nodes if isinstance(one, ast.Subscript)}
    named |= {id(part) for one in nodes if isinstance(one, ast.JoinedStr) for part in one.values}
    texts = (one for one in nodes if isinstance(one, ast.Constant) and id(one) not in named)
    if any(isinstance(one.value, str) and one.value and not _is_part(one.value) for one in texts):
        return ""
    text = source.segment(value)
    has_comment = "#" in text and "\n" in text
    return "" if has_comment else " ".join(project.redactor.text(text).split())


def _is_part(text: str) -> bool:
    return "://" in text or text.startswith(_PARTS)


def _option(project: Project, given: OptionSet, doubling: Doubling) -> AlembicOption | None:
    source, node, value = given.source, given.raw.node, given.value
    doubling.follow(value, given.raw.scope)
    written = [project.text(one.span.path)[one.span.start : one.span.end] for one in doubling.written]
    if not doubling.is_missing or any("%%" in text for text in written):
        return None
    is_line = isinstance(value, ast.JoinedStr | ast.Constant) and value.lineno == value.end_lineno
    return AlembicOption(
        name=given.name,
        setter=node.func.attr,  # type: ignore[attr-defined]  # it has one of the names
        call=source.span(node),
        last_line=node.end_lineno or node.lineno,
        value=source.span(value),
        source=shown(project, source, value),
        is_atom=isinstance(value, _ATOMS) or is_line,
        role=source.role,
        certain=doubling.is_certain,
        is_sqlite=doubling.is_sqlite,
        percent=next((one for one, text in zip(doubling.written, written, strict=True) if "%" in text), None),
    )


def _names_in_urls(project: Project) -> frozenset[str]:
    """The options that a configuration's URL is put together from: ``sqlalchemy.url = %(DB_CONNECTION)s``."""
    found = (
        match["name"].lower()
        for path in project.sources
        if path.endswith(".ini")
        for line in _IN_URL.finditer(project.text(path))
        for match in _PLACEHOLDER.finditer(line["value"])
    )
    return frozenset(found)
