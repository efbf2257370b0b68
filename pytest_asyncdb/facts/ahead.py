"""What an app imports from elsewhere, and what its code could notice if that was there before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.importable import modules_to_import
from pytest_asyncdb.sandbox.request import Habits, Packages
from pytest_asyncdb.sources.dotenv import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.flow import Flow
    from pytest_asyncdb.facts.project import App

_ANY = "*"
_IMPORT = re.compile(rb"^([ \t]*)import[ \t]+([^\n#;]+)", re.MULTILINE)
_FROM = re.compile(rb"^([ \t]*)from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)", re.MULTILINE)
_NAMED = re.compile(rb"([\w.]+)(?:[ \t]+as[ \t]+(\w+))?")
_COMMENT = re.compile(rb"#[^\n]*")
_USED = re.compile(rb"(?<![\w.])(\w+)((?:\.\w+)+)")
_SETS = re.compile(
    rb"environ(?:\[[ \t]*|\.(?:setdefault|pop)\([ \t]*)(?:[\"'](\w+)[\"']|(\w))|putenv\([ \t]*[\"'](\w+)[\"']"
    rb"|environ\.(update|clear)\b"
)
_WRITERS = (b"environ", b"putenv")
_LOADERS = re.compile(rb"\bload_dotenv\b|\bread_env\b")
"""What sets variables out of ``.env`` files; others only read these."""


def packages(app: App, codebase: Codebase, flow: Flow, scheme: str) -> Packages:
    """The modules from outside the project that importing the app imports, in about that order.

    Args:
        app: the app.
        codebase: the project's modules.
        flow: knows what each imports.
        scheme: of the URLs that engines are made for; empty when there are none.
    """
    modules = [app.target.partition(":")[0], *(name for name, _ in modules_to_import(app, codebase))]
    found = tuple(dict.fromkeys(package for module in modules for package in flow.packages_of(module)))
    driver = scheme.partition("+")[2]
    return Packages(found, (driver,), (f"sqlalchemy.dialects.postgresql.{driver}",)) if driver else Packages(found)


def habits(app: App, codebase: Codebase) -> Habits:
    """What the modules that a boot imports could notice. Nothing is parsed; rather too much is found."""
    paths = {path for _, path in modules_to_import(app, codebase)} | ({app.module_path} if app.module_path else set())
    project = codebase.project
    uses = {name for path in paths for name in _uses(project.imports(path), project.data(path) or b"")}
    inside = {name.partition(".")[0] for name in codebase.names.values()}
    foreign = (name for name in uses if name.partition(".")[0] not in inside)
    return Habits(tuple(sorted(foreign)), tuple(sorted(set(_sets(codebase, paths)))))


def _uses(statements: bytes, data: bytes) -> Iterator[str]:
    """Dotted names below what a file imports, but for the modules that it imports itself."""
    bound, own = _bound(_COMMENT.sub(b"", statements))
    if not bound:
        return
    for match in set(_USED.findall(data)):
        origin = bound.get(match[0])
        parts = match[1].split(b".")[1:] if origin is not None else []
        for number in range(1, len(parts) + 1):
            name = b".".join((origin or b"", *parts[:number]))
            if name not in own:
                yield name.decode("utf-8", "replace")


def _bound(statements: bytes) -> tuple[dict[bytes, bytes], set[bytes]]:
    """The names that import statements bind, with what they stand for, and what is surely imported."""
    bound: dict[bytes, bytes] = {}
    own: set[bytes] = set()
    for indent, statement in _IMPORT.findall(statements):
        for module, alias in _NAMED.findall(statement):
            top = module.partition(b".")[0]
            bound[alias or top] = module if alias else top
            own.update(() if indent else _with_parents(module))
    for indent, module, names in _FROM.findall(statements):
        for name, alias in _NAMED.findall(names):
            bound[alias or name] = module + b"." + name
            own.update(() if indent else _with_parents(module + b"." + name))
    return bound, own


def _with_parents(module: bytes) -> Iterator[bytes]:
    while module:
        yield module
        module = module.rpartition(b".")[0]


def _sets(codebase: Codebase, paths: set[str]) -> Iterator[str]:
    """Variables that the code sets, itself or out of ``.env`` files."""
    project = codebase.project
    for path in sorted(paths & project.holders(*_WRITERS)):
        for name, computed, put, several in _SETS.findall(project.data(path) or b""):
            yield _ANY if computed or several else (name or put).decode()
    loading = sorted(paths & project.holders(b"dotenv", b"read_env"))
    if any(_LOADERS.search(project.data(path) or b"") for path in loading):
        for path in project.env_files:
            yield from (one.key for one in entries(project.text(path)))
