"""A database package that the project imports is declared nowhere.

## What it does
Takes the packages of the async database field that the app's modules, scripts and migration environments import at
module level (Alembic, SQLAlchemy, SQLModel, asyncpg, psycopg, psycopg_pool), and asks whether anything declares them:
in any group, or as a requirement of something that production gets. Reports each once. What the app fails to import
here is told by ADB202, drivers of its engines by ADB101 and ADB104; imports guarded by `try` are left out.

## Root cause
It is installed here by hand or by another tool. Wherever the project is installed from what it declares, the import
raises `ModuleNotFoundError`; with Alembic, the migrations can't be run.

## Fix
Declare it beside the other requirements.

## Fix safety
Safe: one requirement is added, nothing is removed.

## Seen on
pip 24 to 26 and uv, with environments built from the declared requirements alone.

## Sources
- https://packaging.python.org/en/latest/discussions/install-requires-vs-requirements/
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddRequirement, Fix
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.urls.declared import undeclared_drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.python import Module
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_REQUIREMENTS = {
    "alembic": "alembic>=1.13",
    "sqlalchemy": "sqlalchemy[asyncio]>=2.0",
    "sqlmodel": "sqlmodel>=0.0.14",
    "asyncpg": "asyncpg>=0.29.0",
    "psycopg": "psycopg[binary]>=3.1",
    "psycopg_pool": "psycopg-pool>=3.2",
}
_OF_OTHERS = frozenset({"test", "template"})
_CARRIES = re.compile(r"alembic|alchemy|sqlmodel|migrat|reflex|litestar|pgvector|procrastinate|langgraph")
"""Names of distributions that bring some of these packages with them, for those that are not installed here."""


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each package once, at the file that declares the most."""
    production = [one for one in facts.declared.requirements if not one.group]
    if not production:
        raise NotJudgedError("the project declares no production dependencies that could be read")
    absent = [one.name for one in production if not facts.installed.version(one.name)]
    drivers = {one.name for one in undeclared_drivers(facts)}
    for package, module in _imported(facts).items():
        name = package.replace("_", "-")
        fails_here = module.role == "app" and facts.boot is not None and not facts.installed.version(name)
        if package in drivers or fails_here or facts.declared.anywhere(name) or facts.installed.reaches(name):
            continue
        if not any(_CARRIES.search(one) for one in absent):
            yield _finding(facts, package, module, is_sure=not absent)


def _imported(facts: Facts) -> dict[str, Module]:
    """The packages, each with the first module that imports it; none that the project itself has."""
    own = {module.name.partition(".")[0] for module in facts.modules if module.role != "migration"}
    found: dict[str, Module] = {}
    for module in facts.modules:
        for one in module.imports if module.role not in _OF_OTHERS else ():
            package = one.module.partition(".")[0]
            if package in _REQUIREMENTS and one.level == "module" and package not in own:
                found.setdefault(package, module)
    return found


def _finding(facts: Facts, package: str, module: Module, *, is_sure: bool) -> Finding:
    file = facts.declared.main_file
    listed = Counter(one.span.path for one in facts.declared.requirements if not one.group)
    requirement = _REQUIREMENTS[package]
    why = f"Brings `{package}` wherever the project is installed."
    fixes = (Fix(f"Declare `{requirement}`", (AddRequirement(file, requirement),), safe=True, why=why),) if file else ()
    return CHECK.finding(
        Place(max(listed, key=lambda path: listed[path])),  # what is installed from: an export has the most
        f"`{module.path}` imports `{package}`, which nothing declares",
        root_cause="It is missing wherever the project is installed from what it declares"
        + (", so the migrations can't be run there." if module.role == "migration" else "."),
        fixes=fixes,
        confidence=Confidence.CERTAIN if is_sure else Confidence.LIKELY,
    )
