"""What the project declares for production, as far as drivers and imports ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_asyncdb.model import interpreter
from pytest_asyncdb.model.booted import failed_imports
from pytest_asyncdb.model.check import NotJudgedError
from pytest_asyncdb.model.finding import Confidence
from pytest_asyncdb.model.fix import AddRequirement, Fix
from pytest_asyncdb.model.services import unreached
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.facts.engines import Engine, EngineUrl
    from pytest_asyncdb.model.booted import FailedImport
    from pytest_asyncdb.sandbox.record import ErrorRecord

_FOR_DEVELOPMENT = frozenset(
    {"pytest", "hypothesis", "faker", "factory", "locust", "freezegun", "respx", "debugpy", "ipdb", "IPython",
     "coverage", "nox", "invoke", "sphinx", "mkdocs", "testcontainers", "mypy"}
)  # fmt: skip
_NAME = re.compile(r"[^\w.-]")
"""Ends the name of a requirement."""
_PATCHES = 60
"""How many releases 2.1 may come to have; 2.0 had 58."""


def declares(facts: Facts, name: str) -> bool:
    """Whether production gets this distribution: declared by name, or brought by what is declared."""
    named = facts.declared.production(name) is not None or facts.locked.reaches(name)
    return named or facts.installed.reaches(name)


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


def absent_package(facts: Facts, error: ErrorRecord) -> str:
    """The top-level module that was not found, when that is the error and it is not the project's own."""
    name = dict(error.attributes).get("name", "").partition(".")[0]
    own = any(module.name.partition(".")[0] == name for module in facts.modules)
    return name if error.type.endswith("ModuleNotFoundError") and not own else ""


def not_installed(facts: Facts, error: ErrorRecord) -> Requirement | None:
    """The production requirement that this environment lacks, when that is the error, as far as names tell."""
    package = absent_package(facts, error)
    names = drivers.DISTRIBUTIONS.get(package, (package.lower().replace("_", "-"),))
    declared = (facts.declared.production(name) for name in names)
    return next((one for one in declared if one and facts.installed.version(one.name) is None), None)


def uninstalled(facts: Facts) -> list[tuple[Requirement, FailedImport]]:
    """The production requirements that this environment lacks, each with a module that does not import for that."""
    named = ((not_installed(facts, one.error), one) for one in _failures(facts))
    return [(requirement, one) for requirement, one in named if requirement]


def echoes(facts: Facts) -> list[tuple[str, FailedImport]]:
    """Packages that are missing, and that a requirement of another name may bring (``jwt`` comes with PyJWT)."""
    named = ((unnamed(facts, one.error), one) for one in _failures(facts) if not is_for_development(facts, one))
    return [(package, one) for package, one in named if package]


def _failures(facts: Facts) -> Iterator[FailedImport]:
    skip = {module.path for module in facts.modules if module.role in {"test", "migration"}}
    for one in failed_imports(facts, facts.boot) if facts.boot else ():
        if not {one.path, one.place.path} & skip:
            yield one


def unnamed(facts: Facts, error: ErrorRecord) -> str:
    """The package that was not found, when no requirement has its name."""
    package = absent_package(facts, error)
    return "" if interpreter.has(package) or not_installed(facts, error) else package


def blame(facts: Facts, failure: FailedImport, *, is_incomplete: bool) -> str:
    """Why the environment, and not the project, may be what a module fails at; empty when it is the project.

    Args:
        facts: of the project.
        failure: of the module.
        is_incomplete: whether some requirement is ``uninstalled``.
    """
    if is_incomplete and unnamed(facts, failure.error):
        return "declared packages are not installed here (ADB107), and one of them may bring it"
    if reason := needs_folder_above(facts, failure.error):
        return reason
    if facts.boot and (reason := unreached(facts.boot, failure.error)):
        return reason
    other = "" if is_missing_everywhere(facts, failure.error) else interpreter.of_another_project(facts)
    return contradicted(facts, failure.error) or other


def comes_with_the_tool(facts: Facts, name: str) -> bool:
    """Whether pytest-asyncdb leads to a distribution, which may then be here for its sake; extras count as well."""
    requires = {one.name: one.requires for one in facts.installed.distributions}
    reached: set[str] = set()
    waiting = ["pytest-asyncdb"]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += [canonicalize_name(_NAME.split(text, maxsplit=1)[0]) for text in requires.get(one, ())]
    return name in reached


def contradicted(facts: Facts, error: ErrorRecord) -> str:
    """Why an error of a package says nothing of production, which gets another version of it; empty where it does."""
    named = (error.type, dict(error.attributes).get("name", ""))
    packages = {one.partition(".")[0].lower().replace("_", "-") for one in named}
    for one in facts.declared.requirements:
        version = facts.installed.version(one.name)
        if not one.group and version and one.name in packages and not _admits(one.specifier, version):
            return f"`{one.name}` {version} is installed, and `{one.specifier}` is declared"
    return ""


def needs_folder_above(facts: Facts, error: ErrorRecord) -> str:
    """Why an import says nothing that needs the folder above the project, which is a package itself; empty else."""
    target = facts.app.above if facts.app else ""
    relative = error.type == "ImportError" and error.message.startswith("attempted relative import")
    package = target.partition(".")[0]
    if not target or not (relative or absent_package(facts, error) == package):
        return ""
    named = f" with `--asyncdb-app={target}`" if package.isidentifier() else ""
    return f"the project's folder has an `__init__.py` and may be its package: run pytest in the folder above{named}"


def is_missing_everywhere(facts: Facts, error: ErrorRecord) -> bool:
    """Whether a package is missing whatever Python runs: all that is declared is here, and does not bring it."""
    package = absent_package(facts, error)
    production = [one for one in facts.declared.requirements if not one.group]
    is_complete = bool(production) and all(facts.installed.version(one.name) for one in production)
    return bool(package) and is_complete and not interpreter.has(package)


def _admits(specifier: str, version: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def is_for_development(facts: Facts, failure: FailedImport) -> bool:
    """Whether a module that the app can do without needs a package that is meant for development, and is not here."""
    package = absent_package(facts, failure.error)
    if failure.blocks or not package:
        return False
    name = package.lower().replace("_", "-")
    declared = facts.declared.anywhere(name)
    return package in _FOR_DEVELOPMENT or (declared is not None and facts.declared.production(name) is None)


def driver_of(facts: Facts, url: EngineUrl) -> str:
    """The async driver that a URL means, or will mean once it is repaired; empty for another dialect."""
    return drivers.wanted(url.scheme, facts.sqlalchemy() or (2, 0), lambda name: declares(facts, name))


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
            yield UndeclaredDriver(driver, engine, is_installed, _fixes(facts, driver), _confidence(facts, engine))


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


def _fixes(facts: Facts, driver: str) -> tuple[Fix, ...]:
    if not facts.declared.main_file:
        return ()
    requirement = drivers.REQUIREMENTS[driver]
    change = AddRequirement(facts.declared.main_file, requirement)
    why = f"Brings `{driver}` wherever the project is installed."
    return (Fix(f"Declare `{requirement}`", (change,), safe=True, why=why),)


def _confidence(facts: Facts, engine: Engine) -> Confidence:
    """Certain where all that is declared is installed, so that what it leads to is known, and so is the URL."""
    production = [r for r in facts.declared.requirements if not r.group]
    unsure = any(not facts.installed.version(r.name) for r in production) or not facts.installed.reaches("sqlalchemy")
    return Confidence.LIKELY if unsure or not (engine.url and engine.url.certain) else Confidence.CERTAIN
