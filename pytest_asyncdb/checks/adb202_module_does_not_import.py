"""A module of the project raises when it is imported.

## What it does
Imports the app, and after it every other module of the project, in a sandbox; repeats each failure in a fresh
interpreter, because one failed import can spoil the next. Reports the project's own last line of the traceback, once,
however many modules fall over it; a package that is missing is told once too. Errors that another check explains
exactly (names imported from the wrong place, circles, syntax, settings, drivers, declared packages that are not
installed) are left to that check, and so are test modules, migration scripts, and modules that the app does not import
and that need a package which is declared for development only. Nothing is reported of a module that reaches for
another service meanwhile, nor on a Python that the project does not ask for: it may work where the project runs. So
may an app that is imported with the project's own folder as its package, which takes a start in the folder above.
While declared packages are not installed (ADB107), no other missing package is reported.

## Root cause
Whatever the module raises; the message carries it.

## Fix
Depends on the error. For `ModuleNotFoundError`: declare and install the package, or correct the name.

## Fix safety
No fix is made automatically.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/reference/import.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import boot_past, failed_imports, weight
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import missing_variable, same_error, unset_settings
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.migrated import refused_percent
from pytest_asyncdb.model.services import missed
from pytest_asyncdb.urls import drivers, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.booted import FailedImport
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_CAUSE = "The line raises while the module is imported, so nothing that imports it can start."
_ENGINE_ERRORS = ("NoSuchModuleError", "InvalidRequestError", "ArgumentError")
_OF_OTHERS = re.compile(
    r"partially initialized module|circular import"
    r"|cannot import name '\w+' from '(?:sqlalchemy|sqlmodel)\b"
    r"|requires that the Python 'greenlet' library"
)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each failing line once; it blocks when the app needs the module."""
    boot = boot_past(facts)
    skip = {module.path for module in facts.modules if module.role in {"test", "migration"}}
    causes: dict[object, list[FailedImport]] = {}
    for one in failed_imports(facts, boot):
        elsewhere = _is_of_another_check(facts, one) or missing.is_for_development(facts, one)
        if not {one.path, one.place.path} & skip and not elsewhere:
            cause = missing.absent_package(facts, one.error) or (one.place, one.error.message)
            causes.setdefault(cause, []).append(one)
    groups = list(causes.values())
    is_incomplete = bool(missing.uninstalled(facts))
    reasons = [missing.blame(facts, one[0], is_incomplete=is_incomplete) for one in groups]
    judged = [one for one, reason in zip(groups, reasons, strict=True) if not reason]
    blocks = any(one.blocks for group in judged for one in group)
    # Why the app itself is not judged matters more than modules that it can do without.
    if groups and reasons[0] and (not judged or (groups[0][0].blocks and not blocks)):
        first = groups[0][0]
        raise NotJudgedError(f"`{first.module}` does not import ({_text(first)}), but {reasons[0]}")
    yield from (_finding(facts, one) for one in judged)


def _finding(facts: Facts, failures: list[FailedImport]) -> Finding:
    first = failures[0]
    severity, confidence = weight(failures)
    also = f" (at {places} places)" if (places := len({one.place for one in failures})) > 1 else ""
    return CHECK.finding(
        first.place,
        f"`{first.module}` does not import: {_text(first)}{also}",
        root_cause=missing.why_missing(facts, first.error) or _CAUSE,
        severity=severity,
        confidence=confidence,
        evidence=Evidence.RUNTIME,
    )


def _text(failure: FailedImport) -> str:
    return f"{failure.error.type.rpartition('.')[2]}: {' '.join(failure.error.message.split())}".rstrip(". :")


def _is_of_another_check(facts: Facts, failure: FailedImport) -> bool:
    error, place = failure.error, failure.place
    needed = missed(facts.boot) if facts.boot else None
    if (needed and same_error(needed[1], error)) or refused_percent(facts, error):
        return True
    kind = error.type.rpartition(".")[2]
    if kind in {"SyntaxError", "IndentationError", "TabError", "SystemExit", "ValidationError"}:
        return kind != "ValidationError" or bool(unset_settings(error))
    if _OF_OTHERS.search(error.message) or missing_variable(error) or missing.not_installed(facts, error):
        return True
    at_engine = any(engine.place.path == place.path and engine.place.line == place.line for engine in facts.engines)
    if any(one.role == "app" and one.seen and same_error(one.seen.error, error) for one in facts.engines):
        return True
    return at_engine and (missing.absent_package(facts, error) in drivers.DISTRIBUTIONS or kind in _ENGINE_ERRORS)
