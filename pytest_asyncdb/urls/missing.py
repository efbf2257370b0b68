"""Imports that fail for what this environment lacks, told apart from those that fail for what the project lacks."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from pytest_asyncdb.model import interpreter
from pytest_asyncdb.model.booted import failed_imports
from pytest_asyncdb.model.services import unreached
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import admits, declaring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.model.booted import FailedImport
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.sandbox.record import ErrorRecord

_LACKING = re.compile(r"^module '([\w.]+)' has no attribute")
"""The module in which another version has a name, as Python says it of an attribute."""
_FOR_DEVELOPMENT = frozenset(
    {"pytest", "hypothesis", "faker", "factory", "locust", "freezegun", "respx", "debugpy", "ipdb", "IPython",
     "coverage", "nox", "invoke", "sphinx", "mkdocs", "testcontainers", "mypy"}
)  # fmt: skip


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


def contradicted(facts: Facts, error: ErrorRecord) -> str:
    """Why an error of a package says nothing of production, which gets another version of it; empty where it does."""
    named = (error.type, dict(error.attributes).get("name", ""), *_LACKING.findall(error.message))
    packages = {one.partition(".")[0].lower().replace("_", "-") for one in named}
    for one in facts.declared.requirements:
        version = facts.installed.version(one.name)
        if not one.group and version and one.name in packages and not admits(one.specifier, version):
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


def why_missing(facts: Facts, error: ErrorRecord | None) -> str:
    """What a package that is missing everywhere is missing for, and the way out; empty for any other error."""
    if error is None:
        return ""
    package = absent_package(facts, error)
    if folder := _own_folder(facts, package):
        root = facts.app.import_root if facts.app else "."
        above = f"`{folder.rpartition('/')[0]}`" if "/" in folder else "the folder of the project"
        return (
            f"`{folder}/` is a folder of the project, and the app is imported from `{root}`. Import its modules by the "
            f"names that they have there, or start the app with {above} on `PYTHONPATH`, too."
        )
    if not is_missing_everywhere(facts, error):
        return ""
    nothing = f"Nothing that the project declares brings `{package}`"
    if package in drivers.DISTRIBUTIONS:
        return f"{nothing}, the driver that the URL means: declare it, or name another one in the URL."
    importer = dict(error.attributes).get("importer", "").partition(".")[0]
    own = {module.name.partition(".")[0] for module in facts.modules} | {"", "__main__", package}
    by = "" if importer in own or importer in sys.stdlib_module_names else f", which `{importer}` imports"
    return f"{nothing}{by}: declare what does, and install it."


def _own_folder(facts: Facts, name: str) -> str:
    """A folder of the project that has the name of what was not found, and holds modules of the app; empty without."""
    parents = (module.path.split("/")[:-1] for module in facts.modules if module.role == "app")
    return next(("/".join(parts[: parts.index(name) + 1]) for parts in parents if name in parts), "")


def driver_fixes(facts: Facts, error: ErrorRecord | None) -> tuple[Fix, ...]:
    """The fix of an error that a missing driver is: declare it; none where another one for sync code is declared."""
    package = absent_package(facts, error) if error and is_missing_everywhere(facts, error) else ""
    requirement = {**drivers.REQUIREMENTS, **drivers.SYNC_REQUIREMENTS}.get(package)
    has_other = any(facts.declared.production(name) for name in (*drivers.SYNC_DISTRIBUTIONS, "psycopg"))
    return declaring(facts, requirement) if requirement and not has_other else ()


def is_for_development(facts: Facts, failure: FailedImport) -> bool:
    """Whether a module that the app can do without needs a package that is meant for development, and is not here."""
    package = absent_package(facts, failure.error)
    if failure.blocks or not package:
        return False
    name = package.lower().replace("_", "-")
    declared = facts.declared.anywhere(name)
    return package in _FOR_DEVELOPMENT or (declared is not None and facts.declared.production(name) is None)
