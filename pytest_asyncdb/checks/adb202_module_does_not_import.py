"""A module of the project raises when it is imported.

## What it does
Imports the app, and after it every other module of the project, in a sandbox; repeats each failure in a fresh
interpreter, because one failed import can spoil the next. Reports the project's own last line of the traceback, once,
however many modules fall over it. Errors that another check explains exactly (names imported from the wrong place,
circles, syntax, settings, drivers) are left to that check, and so are test modules and migration scripts.

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

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.errors import missing_variable, same_error
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.urls import drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_ENGINE_ERRORS = ("NoSuchModuleError", "InvalidRequestError", "ArgumentError")
_OF_OTHERS = re.compile(
    r"partially initialized module|circular import"
    r"|cannot import name '\w+' from '(?:sqlalchemy|sqlmodel)\b"
    r"|requires that the Python 'greenlet' library"
)


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each failing line once; it blocks when the app needs the module."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    skip = {module.path for module in facts.modules if module.role in {"test", "migration"}}
    told: set[tuple[Place | None, str]] = set()
    for module, path, error, blocks in _failures(facts.boot):
        place = error.place or Place(path)
        if (place, error.message) in told or {path, place.path} & skip or _is_of_another_check(facts, error, place):
            continue
        told.add((place, error.message))
        kind = error.type.rpartition(".")[2]
        text = " ".join(error.message.split())
        yield CHECK.finding(
            place,
            f"`{module}` does not import: {kind}: {text}".rstrip(". :"),
            root_cause="The line raises while the module is imported, so nothing that imports it can start.",
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )


def _failures(boot: BootRecord) -> Iterator[tuple[str, str, ErrorRecord, bool]]:
    """Module, path, error, and whether the app needs the module: the app itself first."""
    phase = boot.phase("import")
    if phase and phase.error:
        path = phase.error.frames[0].path if phase.error.frames else ""
        yield boot.target.partition(":")[0], path, phase.error, True
    for one in boot.imports:
        if not one.ok and one.error:
            yield one.module, one.path, one.error, one.by_app


def _is_of_another_check(facts: Facts, error: ErrorRecord, place: Place) -> bool:
    kind = error.type.rpartition(".")[2]
    if kind in {"SyntaxError", "IndentationError", "TabError", "SystemExit", "ValidationError"}:
        return kind != "ValidationError" or bool(dict(error.attributes).get("missing"))
    if _OF_OTHERS.search(error.message) or missing_variable(error):
        return True
    at_engine = any(engine.place.path == place.path and engine.place.line == place.line for engine in facts.engines)
    if any(one.role == "app" and one.seen and same_error(one.seen.error, error) for one in facts.engines):
        return True
    no_driver = kind == "ModuleNotFoundError" and dict(error.attributes).get("name") in drivers.DISTRIBUTIONS
    return at_engine and (no_driver or kind in _ENGINE_ERRORS)
