"""Packages that the project declares are not installed, so it does not import.

## What it does
Reports, in one finding at the first requirement, the packages that production gets, that this environment lacks, and
that a module of the project failed to import. Other packages that are missing are named beside them, since the name
that is imported need not be that of the requirement.

## Root cause
pytest runs in an environment that is not the project's, or is older than its dependency files. Everything that is
found about the app in such an environment says little about production.

## Fix
Install the project's dependencies into the environment that runs pytest, or run pytest from the one that has them.

## Fix safety
No fix is made automatically: nothing is ever installed.

## Seen on
Python 3.11 to 3.13.

## Sources
- https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import weight
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Evidence, Severity
from pytest_asyncdb.urls.missing import echoes, uninstalled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")

_SHOWN = 4


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report all such packages at once; it blocks when the app needs one."""
    if facts.boot is None:
        raise NotJudgedError(facts.no_boot or "the app was not booted")
    found = uninstalled(facts)
    if not found:
        return
    missing = list(dict.fromkeys(requirement.name for requirement, _ in found))
    more = echoes(facts)
    others = list(dict.fromkeys(package for package, _ in more))
    also = f" {_names(others)} missing too, which may come with what is not installed." if others else ""
    severity, confidence = weight([*(one for _, one in found), *(one for _, one in more)])
    yield CHECK.finding(
        found[0][0].span.place,
        f"{_names(missing)} declared and not installed here, so `{found[0][1].module}` does not import",
        root_cause="This environment lacks what the project declares. Install its dependencies here, or run pytest "
        f"from the environment that has them.{also}",
        severity=severity,
        confidence=confidence,
        evidence=Evidence.BOTH,
    )


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more} {'are' if len(names) > 1 else 'is'}"
