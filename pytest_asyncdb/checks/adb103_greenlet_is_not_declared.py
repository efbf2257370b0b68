"""SQLAlchemy's asyncio extension is used, but greenlet is not part of what the project declares.

## What it does
Follows what the project declares for production, and reports when the app uses `sqlalchemy.ext.asyncio` and nothing on
the way leads to greenlet. On SQLAlchemy 2.0, where a platform marker brings it to most machines, that is latent.

## Root cause
Up to 2.0 SQLAlchemy required greenlet by platform marker, and that marker leaves out `arm64`, as macOS calls Apple
silicon. 2.1 requires it only through the extra `asyncio`. Without it importing `sqlalchemy.ext.asyncio` raises on 2.1,
the first connection on 2.0. A development environment hides this whenever some tool brings greenlet along.

## Fix
Ask for the extra: `sqlalchemy[asyncio]`, or `sqlmodel[asyncio]` where all versions admitted have it (0.0.48 on).

## Fix safety
Safe: it adds one small dependency and changes no version.

## Seen on
SQLAlchemy 2.1.9 (import fails), the metadata of 2.0.58, SQLModel 0.0.22 and 0.0.50.

## Sources
- https://github.com/sqlalchemy/sqlalchemy/issues/10197
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging import requirements as pep508

from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.model.fix import AddRequirement, Fix, Replace
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.declared import production_sqlalchemy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.dependencies import Requirement
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.BLOCKS, since="0.1")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report once, at the requirement that should bring greenlet."""
    production = [r for r in facts.declared.requirements if not r.group]
    if not production:
        raise NotJudgedError("the project declares no production dependencies that could be read")
    if not _uses_asyncio(facts) or _declares_greenlet(facts, production):
        return
    blocks = production_sqlalchemy(facts) >= (2, 1)
    carrier = facts.declared.production("sqlalchemy") or facts.declared.production("sqlmodel")
    known = all(facts.installed.version(r.name) for r in production) and facts.installed.reaches("sqlalchemy")
    yield CHECK.finding(
        carrier.span.place if carrier else Place(facts.declared.main_file or production[0].span.path),
        f"`{carrier.name if carrier else 'sqlalchemy'}` without `[asyncio]` leaves out greenlet, needed on "
        + ("SQLAlchemy 2.1" if blocks else "Apple silicon"),
        root_cause="SQLAlchemy 2.1 requires greenlet only through its extra `asyncio`, 2.0 by a marker without arm64. "
        "What a tool brings into this environment is missing in production.",
        fixes=_fixes(facts, carrier),
        severity=CHECK.severity if blocks else Severity.LATENT,
        confidence=Confidence.CERTAIN if known or facts.locked.is_whole else Confidence.LIKELY,
    )


def _uses_asyncio(facts: Facts) -> bool:
    engines = (e for e in facts.engines if e.is_async and e.role == "app" and not drivers.is_raw(e.function))
    names = (one.module for module in facts.modules if module.role == "app" for one in module.imports)
    return any(engines) or any(name.startswith(("sqlalchemy.ext.asyncio", "sqlmodel.ext.asyncio")) for name in names)


def _declares_greenlet(facts: Facts, production: list[Requirement]) -> bool:
    """Whether greenlet is reached other than by SQLAlchemy 2.0's platform marker."""
    is_extra, reached = production_sqlalchemy(facts) >= (2, 1), facts.installed.reaches("greenlet")
    if facts.declared.production("greenlet") or (is_extra and facts.locked.reaches("greenlet")):
        return True
    if is_extra or not reached:
        return reached and not facts.locked.is_whole
    others = (d for d in facts.installed.distributions if facts.installed.reaches(d.name) and d.name != "sqlalchemy")
    asked = (extra for r in production if r.name in {"sqlalchemy", "sqlmodel"} for extra in r.extras)
    return any(extra.endswith(("asyncio", "asyncpg")) for extra in asked) or any(
        _leads_to_greenlet(text) for other in others for text in other.requires
    )


def _leads_to_greenlet(text: str) -> bool:
    """Whether an installed distribution's requirement does, leaving out what only its extras require."""
    head = text.lower().replace(" ", "")
    return "extra==" not in head and head.startswith(("greenlet", "sqlalchemy[asyncio"))


def _fixes(facts: Facts, carrier: Requirement | None) -> tuple[Fix, ...]:
    if carrier and _has_extra(carrier, facts):
        head = carrier.text[: carrier.name_span.end - carrier.span.start]
        text = f"{head[:-1]},asyncio]" if carrier.extras else f"{head}[asyncio]"
        why = "Keeps the requirement as it is and adds the extra that brings greenlet."
        return (Fix(f"Declare `{text}`", (Replace(carrier.name_span, text),), safe=True, why=why),)
    if not facts.declared.main_file:
        return ()
    why = "Brings greenlet without touching any version."
    text = "greenlet>=1" if carrier and carrier.name == "sqlalchemy" else "sqlalchemy[asyncio]>=2.0"
    return (Fix(f"Declare `{text}`", (AddRequirement(facts.declared.main_file, text),), safe=True, why=why),)


def _has_extra(carrier: Requirement, facts: Facts) -> bool:
    """Whether an extra can be written into this requirement, and every version it admits knows that extra."""
    try:
        parsed = pep508.Requirement(carrier.text)
    except pep508.InvalidRequirement:
        return False
    if parsed.name.lower() != "sqlmodel":
        return parsed.url is None
    if not parsed.specifier:
        return facts.installed.version("sqlmodel") is not None and (facts.sqlalchemy() or (2, 0)) >= (2, 1)
    return not any(parsed.specifier.contains(f"0.0.{minor}") for minor in range(48))
