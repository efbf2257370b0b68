"""The acceptance criteria of the reference audit, each with the evidence that this run saw. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_asyncdb.model.booted import other_databases
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Proof
from pytest_asyncdb.model.interpreter import refused_at_boot
from pytest_asyncdb.model.result import Criterion, Outcome, Verdict
from pytest_asyncdb.model.services import missing_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.result import CheckOutcome, ReportedFinding
    from pytest_asyncdb.sandbox.record import BootRecord, ResponseRecord

_STARTING = ("ADB202", "ADB208", "ADB701", "ADB702", "ADB704", "ADB713")
"""Checks that say of a start that fails why the project may not be to blame, and skip it then."""
_STARTS = ("import", "create", "startup")
_NOT_BOOTED, _NOT_STARTED = "the app was not booted", "the app did not start"
_REACHABLE = ("ADB705", "ADB706", "ADB707", "ADB708")
_PACKAGES = ("fastapi", "litestar", "starlette", "quart", "sqlmodel", "sqlalchemy", "asyncpg", "psycopg", "greenlet")


def criteria(
    facts: Facts, reported: Sequence[ReportedFinding], outcomes: Sequence[CheckOutcome] = ()
) -> tuple[Criterion, ...]:
    """SC-001 to SC-008 (there is no SC-004).

    Args:
        facts: what is known.
        reported: what was found.
        outcomes: how the checks ended: the reason why one was skipped may be why the start is not judged.
    """
    boot = facts.boot
    blocking = [one for one in reported if one.finding.severity is Severity.BLOCKS]
    unjudged = "" if blocking else _unjudged(facts, outcomes)
    return (
        _starts(boot, facts, unjudged),
        _documented(boot, blocking, unjudged),
        _fixable(boot, reported, unjudged),
        _database(boot, unjudged),
        _routes(boot, reported, unjudged),
        _cycles(boot, reported),
        _versions(facts, reported),
    )


def _unjudged(facts: Facts, outcomes: Sequence[CheckOutcome]) -> str:
    """Why an app that did not start may be fine all the same; empty when it started or nothing says so."""
    boot = facts.boot
    if boot is None or boot.passed("startup"):
        return ""
    # Where the import failed, the checks of the startup were skipped for that, which explains nothing.
    hundred = "ADB2" if not boot.passed("import") else "ADB7"
    asked = ("ADB206",) if refused_at_boot(facts) else tuple(one for one in _STARTING if one.startswith(hundred))
    skipped = (one for one in outcomes if one.outcome is Outcome.SKIPPED and one.id in asked)
    return missing_service(boot) or next((f"{one.id} is not judged: {one.reason}" for one in skipped), "")


def _starts(boot: BootRecord | None, facts: Facts, unjudged: str) -> Criterion:
    title = "The server starts without ImportError or ModuleNotFoundError"
    if boot is None:
        return Criterion("SC-001", title, Verdict.UNKNOWN, facts.no_boot)
    if missing := missing_service(boot):
        return Criterion("SC-001", title, Verdict.UNKNOWN, missing)
    failed = Verdict.UNKNOWN if unjudged else Verdict.NOT_MET
    for name in _STARTS:
        phase = boot.phase(name)
        if phase is not None and not phase.ok:
            what = f"{phase.error.type}: {phase.error.message}" if phase.error else phase.note or "deadline passed"
            return Criterion("SC-001", title, failed, f"{name} of {boot.target} failed: {_short(what)}")
    if not boot.passed("startup"):
        return Criterion("SC-001", title, failed, f"{boot.target} ended in {boot.end.phase} ({boot.end.how})")
    seconds = sum(phase.seconds for phase in boot.phases if phase.name in _STARTS)
    return Criterion("SC-001", title, Verdict.MET, f"{boot.target} imported and started in {seconds:.2f} s")


def _documented(boot: BootRecord | None, blocking: Sequence[ReportedFinding], unjudged: str) -> Criterion:
    title = "Every fault that blocks the start is found and documented"
    if boot is None:
        return Criterion("SC-002", title, Verdict.UNKNOWN, _NOT_BOOTED)
    if unjudged:
        return Criterion("SC-002", title, Verdict.UNKNOWN, unjudged)
    if not boot.passed("startup") and not blocking:
        return Criterion("SC-002", title, Verdict.NOT_MET, "the app does not start and no check says why")
    if not blocking:
        return Criterion("SC-002", title, Verdict.MET, "none found, and the app starts")
    ids = ", ".join(f"{one.finding.id} {one.finding.place}" for one in blocking)
    return Criterion("SC-002", title, Verdict.MET, f"{len(blocking)} found, each with file, line and root cause: {ids}")


def _fixable(boot: BootRecord | None, reported: Sequence[ReportedFinding], unjudged: str) -> Criterion:
    title = "Every fault has a working fix"
    blocking = [one for one in reported if one.finding.severity is Severity.BLOCKS]
    if not blocking and boot is None:
        return Criterion("SC-003", title, Verdict.UNKNOWN, _NOT_BOOTED)
    if not blocking and boot and not boot.passed("startup"):
        why = "which is not judged" if unjudged else "and no fault explains it"
        return Criterion("SC-003", title, Verdict.UNKNOWN, f"the app did not start, {why}")
    proven = [one for one in blocking if any(fix.proof is Proof.PROVEN for fix in one.fixes)]
    if not blocking:
        return Criterion("SC-003", title, Verdict.MET, "nothing that blocks" if reported else "nothing to fix")
    verdict = Verdict.MET if len(proven) == len(blocking) else Verdict.NOT_MET
    evidence = f"{len(proven)} of {len(blocking)} proven by booting a fixed copy"
    return Criterion("SC-003", title, verdict, evidence)


def _not_started(boot: BootRecord | None, unjudged: str) -> Verdict:
    """An app that was not booted, or only lacks a service that a check does not provide, may be fine."""
    return Verdict.UNKNOWN if boot is None or unjudged or missing_service(boot) else Verdict.NOT_MET


def _database(boot: BootRecord | None, unjudged: str) -> Criterion:
    title = "The database connection initialises during startup"
    if boot is None or not boot.passed("startup"):
        return Criterion("SC-005", title, _not_started(boot, unjudged), _NOT_STARTED if boot else _NOT_BOOTED)
    during = [c for c in boot.connections if c.phase == "startup" and not c.by_probe]
    if any(c.ok for c in during):
        said = next((log.message for log in boot.logs if log.phase == "startup" and "atabase" in log.message), "")
        quote = f"; the app logs: {_short(said)}" if said else ""
        return Criterion("SC-005", title, Verdict.MET, f"{during[0].driver} connected during startup{quote}")
    if during:
        error = next((c.error for c in during if c.error), None)
        why = f"{error.type}: {_short(error.message)}" if error else "no connection was made"
        return Criterion("SC-005", title, Verdict.NOT_MET, why)
    if others := other_databases(boot):
        return Criterion("SC-005", title, Verdict.UNKNOWN, f"the app works on {others}, which is not judged")
    probed = [e for e in boot.engines if e.probe and e.probe.ok]
    extra = "; SELECT 1 through the app's engine works" if probed else ""
    return Criterion("SC-005", title, Verdict.UNKNOWN, f"startup does not touch the database{extra}")


def _routes(boot: BootRecord | None, reported: Sequence[ReportedFinding], unjudged: str) -> Criterion:
    title = "All routers are registered and reachable"
    if boot is None or not boot.passed("startup"):
        return Criterion("SC-006", title, _not_started(boot, unjudged), _NOT_STARTED if boot else _NOT_BOOTED)
    wrong = [one.finding for one in reported if one.finding.id in _REACHABLE]
    answers = "; ".join([*map(_answer, boot.responses), *_outages(boot)])
    if wrong:
        return Criterion("SC-006", title, Verdict.NOT_MET, f"{wrong[0].id}: {wrong[0].message}")
    if not boot.routes:
        return Criterion("SC-006", title, Verdict.UNKNOWN, "the app's routes could not be listed")
    return Criterion("SC-006", title, Verdict.MET, f"{len(boot.routes)} routes{'; ' if answers else ''}{answers}")


def _answer(response: ResponseRecord) -> str:
    if response.failed:
        return f"{response.method} {response.path} fails"
    text = f"{response.method} {response.path} answers {response.status}"
    if response.kind == "health":
        return f"{text} {_short(response.body)}"
    fields = _fields(response.body)
    return f"{text} naming {', '.join(fields)}" if fields else text


def _outages(boot: BootRecord) -> list[str]:
    """``with the database down GET /health answers 503, up again 200``, for each route that was asked.

    Nothing where the app works on another database, which nobody took down.
    """
    if other_databases(boot):
        return []
    told: dict[str, dict[str, str]] = {}
    for one in boot.outages:
        said = "nothing" if one.timed_out else str(one.status or "fails")
        told.setdefault(f"{one.method} {one.path}", {})[one.database] = said
    return [
        f"with the database down {route} answers {states['down']}"
        + (f", up again {states['up again']}" if "up again" in states else "")
        for route, states in told.items()
        if "down" in states
    ]


def _fields(body: str) -> list[str]:
    """``body.email`` from the ``loc`` of a validation answer, at most three."""
    try:
        detail = json.loads(body)["detail"]
        return [".".join(str(part) for part in one["loc"]) for one in detail][:3]
    except (ValueError, KeyError, TypeError):
        return []


def _cycles(boot: BootRecord | None, reported: Sequence[ReportedFinding]) -> Criterion:
    title = "No circular imports"
    circular = [one.finding for one in reported if one.finding.id == "ADB203"]
    if circular:
        return Criterion("SC-007", title, Verdict.NOT_MET, circular[0].message)
    if boot is None or not boot.passed("import"):
        why = "the app does not import" if boot else _NOT_BOOTED
        return Criterion("SC-007", title, Verdict.UNKNOWN, f"{why}, so its imports were not followed")
    failed = [one.module for one in boot.imports if not one.ok]
    but = f"; {failed[0]} does not import, for another reason" if failed else ""
    number = len(boot.imports) - len(failed)
    more = f" and {number} more module{'s' * (number > 1)} import" if number else " imports"
    return Criterion("SC-007", title, Verdict.MET, f"none; {boot.target}{more}{but}")


def _versions(facts: Facts, reported: Sequence[ReportedFinding]) -> Criterion:
    title = "Dependency versions are aligned"
    wrong = [one.finding for one in reported if one.finding.id.startswith("ADB1")]
    if wrong:
        return Criterion("SC-008", title, Verdict.NOT_MET, f"{wrong[0].id}: {wrong[0].message}")
    versions = [(name, facts.installed.version(name)) for name in _PACKAGES if facts.installed.reaches(name)]
    if not versions:
        return Criterion("SC-008", title, Verdict.UNKNOWN, "no declared dependency that matters here was found")
    return Criterion("SC-008", title, Verdict.MET, ", ".join(f"{name} {version}" for name, version in versions))


def _short(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
