"""The app needs a setting that neither the environment nor its files give.

## What it does
Reports the import of the app, or of one of its modules, that fails because a setting is missing: a pydantic
`ValidationError` about required fields, a `KeyError` from `os.environ["NAME"]`, or an engine that got `None` as URL.
What the sandbox could fill in from `.env.example` is filled in first and is no fault.

## Root cause
Settings without a default are read when the module is imported, so the app does not start where one is missing.

## Fix
Set the variable where the app runs, and name it in `.env.example`.

## Fix safety
No fix is made automatically: only its owner knows the value.

## Seen on
pydantic 2.14 with pydantic-settings 2.16; SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://docs.pydantic.dev/latest/concepts/pydantic_settings/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_VARIABLE = re.compile(r"'(?P<name>[A-Z][A-Z0-9_]+)'")
_NO_URL = "Expected string or URL object, got None"


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each place that fails for want of a setting once."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    told: set[Place] = set()
    for path, error, blocks in _failures(facts.boot):
        place = error.place or Place(path)
        missing = _missing(error)
        if not missing or place in told:
            continue
        told.add(place)
        yield CHECK.finding(
            place,
            f"{missing} is not set, and the import fails without it",
            root_cause="The setting has no default and is read while the module is imported. "
            "Set it where the app runs, and name it in `.env.example`.",
            severity=Severity.BLOCKS if blocks else Severity.LATENT,
            evidence=Evidence.RUNTIME,
        )


def _failures(boot: BootRecord) -> Iterator[tuple[str, ErrorRecord, bool]]:
    for name in ("import", "create"):
        phase = boot.phase(name)
        if phase and phase.error:
            yield "", phase.error, True
    for one in boot.imports:
        if not one.ok and one.error:
            yield one.path, one.error, one.by_app


def _missing(error: ErrorRecord) -> str:
    """The missing settings in backticks; empty when the error is about something else."""
    kind = error.type.rpartition(".")[2]
    fields = dict(error.attributes).get("missing", "")
    if kind == "ValidationError" and fields:
        return ", ".join(f"`{name.strip()}`" for name in fields.split(","))
    variable = _VARIABLE.fullmatch(error.message.strip())
    if kind == "KeyError" and variable:
        return f"`{variable['name']}`"
    return "the database URL (`None`)" if kind == "ArgumentError" and error.message.startswith(_NO_URL) else ""
