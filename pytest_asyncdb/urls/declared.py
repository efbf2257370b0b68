"""What the project declares for production, as far as drivers and imports ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Confidence
from pytest_asyncdb.model.fix import AddRequirement, Fix
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine, EngineUrl

_NAME = re.compile(r"[^\w-]")
_PATCHES = 60
"""How many releases 2.1 may come to have; 2.0 had 58."""


def declares(facts: Facts, name: str) -> bool:
    """Whether production gets this distribution: declared by name, or brought by what is declared."""
    named = facts.declared.production(name) is not None or facts.locked.reaches(name)
    return named or facts.installed.reaches(name)


def declares_driver(facts: Facts) -> bool:
    """Whether an async driver of Postgres is declared, for whatever."""
    return any(facts.declared.anywhere(name) for names in drivers.DISTRIBUTIONS.values() for name in names)


def production_sqlalchemy(facts: Facts) -> tuple[int, int]:
    """The release of SQLAlchemy that production gets: the locked one, the installed one, or what is asked for."""
    locked = facts.locked.version("sqlalchemy")
    if locked:
        try:
            return Version(locked).major, Version(locked).minor
        except InvalidVersion:
            pass  # a version of a repository's branch says nothing
    installed = facts.installed.version("sqlalchemy")
    if installed and _admitted(facts).contains(installed, prereleases=True):
        return facts.sqlalchemy() or (2, 0)
    return (2, 1) if admits_sqlalchemy_2_1(facts) else (2, 0)


def admits_sqlalchemy_2_1(facts: Facts) -> bool:
    """Whether some 2.1 fulfils what the project asks for; so it does when it asks for nothing."""
    admitted = _admitted(facts)
    return any(admitted.contains(f"2.1.{patch}") for patch in range(_PATCHES))


def _admitted(facts: Facts) -> SpecifierSet:
    asked = facts.declared.production("sqlalchemy")
    try:
        return SpecifierSet(asked.specifier if asked else "")
    except InvalidSpecifier:
        return SpecifierSet()


def admits(specifier: str, version: str) -> bool:
    """Whether a version fulfils what a requirement asks for; what can't be read forbids nothing."""
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def driver_of(facts: Facts, url: EngineUrl) -> str:
    """The async driver that a URL means, or will mean once it is repaired; empty for another dialect."""
    return drivers.wanted(url.scheme, facts.sqlalchemy() or (2, 0), lambda name: declares(facts, name))


def usual_scheme(facts: Facts) -> str:
    """The scheme that a database URL of the project has, by the driver that it declares."""
    told = (one for one in ("asyncpg", "psycopg") if facts.declared.anywhere(one))
    return f"postgresql+{next(told, 'asyncpg')}"


def replacement(facts: Facts) -> str:
    """The async driver to name in a URL that names none or a sync one."""
    return drivers.replacement(lambda name: declares(facts, name))


def asyncpg_urls(facts: Facts) -> Iterator[tuple[Engine, EngineUrl]]:
    """The app's async engines that SQLAlchemy connects through asyncpg, each with its URL."""
    for engine in facts.engines:
        used = engine.role == "app" and engine.serves_async and not drivers.is_raw(engine.function)
        if used and engine.url and driver_of(facts, engine.url) == "asyncpg":
            yield engine, engine.url


@dataclass(frozen=True, slots=True)
class UndeclaredDriver:
    """One such driver; ``engine`` is the first that needs it."""

    name: str
    engine: Engine
    is_installed: bool
    """Whether it is there all the same, in this environment."""
    fixes: tuple[Fix, ...]
    confidence: Confidence


def undeclared_drivers(facts: Facts) -> Iterator[UndeclaredDriver]:
    """Each such driver once; none where a sync driver is declared, which is another fault.

    Raises:
        NotJudgedError: the project declares nothing for production.
    """
    if not any(not requirement.group for requirement in facts.declared.requirements):
        raise NotJudgedError("the project declares no production dependencies that could be read")
    told: set[str] = set()
    for engine in facts.engines:
        driver = _undeclared(facts, engine)
        if driver and driver not in told:
            told.add(driver)
            is_installed = any(facts.installed.version(name) for name in drivers.DISTRIBUTIONS[driver])
            fixes = declaring(facts, drivers.REQUIREMENTS[driver])
            yield UndeclaredDriver(driver, engine, is_installed, fixes, _confidence(facts, engine))


def _undeclared(facts: Facts, engine: Engine) -> str | None:
    """The driver that this engine needs, when nothing declared brings it."""
    if engine.role != "app" or not engine.is_async or not engine.url:
        return None
    driver = driver_of(facts, engine.url)
    names = drivers.DISTRIBUTIONS.get(driver, ())
    if not names or any(declares(facts, name) for name in names):
        return None
    only_sync = any(facts.declared.production(name) for name in drivers.SYNC_DISTRIBUTIONS)
    return None if only_sync else driver


def declaring(facts: Facts, requirement: str) -> tuple[Fix, ...]:
    """The fix that declares a driver for production; none where no file is known to declare anything."""
    if not facts.declared.main_file:
        return ()
    change = AddRequirement(facts.declared.main_file, requirement)
    why = f"Brings `{_NAME.split(requirement)[0]}` wherever the project is installed."
    return (Fix(f"Declare `{requirement}`", (change,), safe=True, why=why),)


def _confidence(facts: Facts, engine: Engine) -> Confidence:
    """Certain where all that is declared is installed, so that what it leads to is known, and so is the URL."""
    production = [r for r in facts.declared.requirements if not r.group]
    unsure = any(not facts.installed.version(r.name) for r in production) or not facts.installed.reaches("sqlalchemy")
    return Confidence.LIKELY if unsure or not (engine.url and engine.url.certain) else Confidence.CERTAIN
