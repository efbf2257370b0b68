"""Variables that hold a sqlite URL by default, in a project that declares a driver of Postgres as well."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from pytest_asyncdb.facts.layout import role_of
from pytest_asyncdb.facts.roots import parsed
from pytest_asyncdb.facts.values import Wanted
from pytest_asyncdb.facts.written import is_example
from pytest_asyncdb.sources.dotenv import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sources.project import Project

_SQLITE = re.compile(r"[\"']?sqlite(?P<driver>\+\w+)?:")
_ASYNC_DRIVER = re.compile(rb"asyncpg|psycopg(?!2)")
_ANY_DRIVER = re.compile(rb"asyncpg|psycopg")
_DECLARES = re.compile(r"pyproject\.toml|Pipfile|setup\.(?:py|cfg)|[\w.-]*req[\w.-]*\.(?:txt|in)|environment\.ya?ml")
_TEST = re.compile(r"(?i)(?:^|_)tests?(?:_|$)")


def on_postgres(project: Project, record: BootRecord) -> tuple[Wanted, ...]:
    """The variables to set for the app to work on Postgres.

    Args:
        project: the tree that was booted.
        record: what the boot saw.

    Returns:
        None where some engine of the app is for another database than sqlite, and where no driver is declared.
    """
    schemes = {one.url.drivername if one.url else "" for one in record.engines}
    if not schemes or any(scheme.partition("+")[0] != "sqlite" for scheme in schemes):
        return ()
    if not record.passed("import") and not any(one.error for one in record.engines):
        return ()  # it fails for another reason
    if not _declares(project, _ASYNC_DRIVER if "sqlite+aiosqlite" in schemes else _ANY_DRIVER):
        return ()
    # A URL that names no driver is one that the project's own code completes, or that is for sync engines.
    found = {name: "postgres" if has_driver else "postgres sync" for name, has_driver in _names(project)}
    return tuple(Wanted(name, hint=hint, refused=True) for name, hint in found.items() if not _TEST.search(name))


def _declares(project: Project, driver: re.Pattern[bytes]) -> bool:
    files = (path for path in project.sources if _DECLARES.fullmatch(posixpath.basename(path)))
    return any(driver.search(project.data(path) or b"") for path in files)


def _names(project: Project) -> Iterator[tuple[str, bool]]:
    """Of example files, of reads with a default, of fields of settings classes; whether the URL names a driver."""
    for path in project.env_files:
        if is_example(path):
            told = ((one.key, _SQLITE.match(one.value)) for one in entries(project.text(path)))
            yield from ((key, match["driver"] is not None) for key, match in told if match)
    held = project.holders(b"sqlite")
    for path in project.python_files:
        tree = parsed(project, path) if path in held and role_of(path) == "app" else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Call):
                yield from _read(node)
            elif isinstance(node, ast.ClassDef):
                yield from _fields(node)


def _read(node: ast.Call) -> Iterator[tuple[str, bool]]:
    """``os.getenv("DATABASE_URL", "sqlite:///shop.db")``, and other readers alike."""
    values = [*node.args, *(one.value for one in node.keywords)]
    name = getattr(values[0], "value", None) if values else None
    found = next((match for match in map(_sqlite, values[1:]) if match), None)
    if isinstance(name, str) and name.isidentifier() and found:
        yield name, found["driver"] is not None


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Fields of a settings class, by the names of the variables that they are read from."""
    if not any("Settings" in ast.unparse(base) for base in node.bases):
        return
    prefix = next((one for one in map(_prefix, ast.walk(node)) if one), "")
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.value is not None:
            values = [field.value]
            if isinstance(field.value, ast.Call):
                values = [*field.value.args[:1], *(one.value for one in field.value.keywords if one.arg == "default")]
            if found := next((match for match in map(_sqlite, values) if match), None):
                yield _alias(field.value) or f"{prefix}{field.target.id}".upper(), found["driver"] is not None


def _prefix(node: ast.AST) -> str:
    """``env_prefix`` of ``model_config`` or of the inner class ``Config``."""
    match node:
        case ast.keyword(arg="env_prefix", value=ast.Constant(value=str(text))):
            return text
        case ast.Assign(targets=[ast.Name(id="env_prefix")], value=ast.Constant(value=str(text))):
            return text
    return ""


def _alias(value: ast.expr) -> str:
    for one in value.keywords if isinstance(value, ast.Call) else ():
        if one.arg in ("alias", "validation_alias", "env"):
            found = (each.value for each in ast.walk(one.value) if isinstance(each, ast.Constant))
            return next((name for name in found if isinstance(name, str)), "")
    return ""


def _sqlite(node: ast.expr) -> re.Match[str] | None:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.JoinedStr) and node.values:  # f"sqlite:///{BASE_DIR}/shop.db"
        value = getattr(node.values[0], "value", None)
    return _SQLITE.match(value) if isinstance(value, str) else None
