"""The app needs a setting that neither the environment nor its files give.

## What it does
Reports the import of the app, or of one of its modules, that fails because a setting is missing: required fields of a
settings class of pydantic, a `KeyError` from `os.environ["NAME"]` or from Starlette's `Config`, or an engine whose URL
is `None` or was put together with one.

A checkout that nobody gave a `.env` yet is no fault: the values of `.env.example` are filled in, then values are made
up from the types of what is still missing, and the run says which. The setting is reported where a `.env` is there
and leaves it out, and where no made-up value was taken.

## Root cause
Settings without a default are read when the module is imported, so the app does not start where one is missing.

## Fix
Set the variable where the app runs, and name it in `.env.example`. For a check alone, `asyncdb_env` gives it.

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
from pytest_asyncdb.model.errors import is_unset_url, missing_variable, same_error, unset_settings
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.sandbox.record import BootRecord, ErrorRecord

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_NAME = re.compile(r"[A-Za-z_][\w.]*")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each place that fails for want of a setting once."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    told: set[Place] = set()
    for path, error, blocks in _failures(facts.boot):
        place = error.place or Place(path)
        missing = _missing(error) or _unset_url(facts, error)
        if not missing or place in told:
            continue
        told.add(place)
        yield CHECK.finding(
            place,
            f"{missing}, and the import fails without {'them' if ' are ' in missing else 'it'}",
            root_cause="What has no default and is read while a module is imported has to be there. "
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
    """Which settings are not set; empty when the error is about something else."""
    names = [f"`{name}`" for name in unset_settings(error)]
    if names:
        return f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} not set"
    variable = missing_variable(error)
    return f"`{variable}` is not set" if variable else ""


def _unset_url(facts: Facts, error: ErrorRecord) -> str:
    """What an engine was given instead of a URL, as the source has it; empty when the error is about something else."""
    engine = next((one for one in facts.engines if one.seen and same_error(one.seen.error, error)), None)
    in_parts = "int()" in error.message
    if not is_unset_url(error) or (in_parts and engine is None):
        return ""
    given = (engine.call.argument("url") or engine.call.positional(0)) if engine and engine.call else None
    name = f" `{given.value.source}`" if given and _NAME.fullmatch(given.value.source) else ""
    return f"the database URL{name} {'holds' if in_parts else 'is'} `None`, so its setting is not set"
