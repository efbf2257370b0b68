"""One whole run: from settings to a result. The only place that knows the order of things."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from pytest_asyncdb.criteria import criteria
from pytest_asyncdb.judge import outcomes
from pytest_asyncdb.model.fix import Proof
from pytest_asyncdb.model.result import AppInfo, ReportedFinding, Result, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.examine import Examination
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.thread import ServerThread
    from pytest_asyncdb.sources.project import Project
    from pytest_asyncdb.urls.redact import Redactor
    from pytest_asyncdb.verify import Trial


class RunError(Exception):
    """The run cannot be done as asked; the message says what was looked for, where, and each way out."""


def analyse(settings: Settings, *, ids: Sequence[str] | None = None, repair: bool = False) -> Result:
    """Examine a project: boot it, judge it, prove the fixes.

    Args:
        settings: what was asked for.
        ids: which checks to run; all of them when None.
        repair: write the proven safe fixes into the project.

    Raises:
        RunError: no app, no server, or a file that cannot be repaired.
    """
    from pytest_asyncdb.examine import examine
    from pytest_asyncdb.postgres.thread import ServerThread
    from pytest_asyncdb.sandbox.launch import spawn

    # The child makes itself ready while the project is read.
    with spawn(settings.python) as child:
        project, app = _project(settings)
        with ServerThread(settings.postgres, settings.server_timeout) as thread:
            try:
                first = examine(project, app, settings, thread, ids, child=child)
            except _known_errors() as error:
                raise RunError(str(error)) from error
            return _conclude(settings, app, thread, first=first, repair=repair)


def _known_errors() -> tuple[type[Exception], ...]:
    from pytest_asyncdb.postgres.choose import NoProviderError, UnknownProviderError
    from pytest_asyncdb.postgres.protocol import ServerError
    from pytest_asyncdb.sandbox.launch import SandboxError

    return NoProviderError, UnknownProviderError, ServerError, SandboxError


def _project(settings: Settings) -> tuple[Project, App]:
    from pytest_asyncdb.facts.app import AppNotFoundError, find_app
    from pytest_asyncdb.sources.project import Project

    project = Project(settings.root)
    try:
        return project, find_app(project, settings)
    except AppNotFoundError as error:
        raise RunError(str(error)) from error


def _conclude(settings: Settings, app: App, thread: ServerThread, *, first: Examination, repair: bool) -> Result:
    server = thread.server()
    not_used = thread.choice.not_used if thread.choice else ()
    redactor = _redactor(first.project, server)
    reported: tuple[ReportedFinding, ...] = tuple(ReportedFinding(f) for f in first.judgement.findings)
    applied: tuple[str, ...] = ()
    fixed: frozenset[Finding] = frozenset()
    diff = ""
    if settings.prove and any(one.finding.fixes for one in reported):
        from pytest_asyncdb.verify import Bench, prove

        reported, trial = prove(Bench(first, app, settings, server, redactor))
        diff = _diff(first.project, trial, redactor) if trial else ""
        if repair and trial is not None:
            applied = _repair(first.project, reported, trial)
            fixed = _fixed(reported)
    boot = first.facts.boot
    return Result(
        environment=_environment(first),
        server=ServerInfo(server.provider, server.version, server.seconds, not_used),
        app=AppInfo(app.target, app.found_in, booted=boot is not None and boot.passed("startup")),
        criteria=criteria(first.facts, reported),
        findings=reported,
        checks=outcomes(first.checks, first.judgement, reported, fixed, settings.fail_on),
        notes=_notes(app, first),
        applied=applied,
        diff=diff,
    )


def _repair(project: Project, reported: Sequence[ReportedFinding], trial: Trial) -> tuple[str, ...]:
    """Apply the safe fixes whose proof did not fail."""
    from pytest_asyncdb.fixes import apply
    from pytest_asyncdb.repair import RepairError, repair

    failed = [o.fix for one in reported for o in one.fixes if o.proof is Proof.FAILED]
    try:
        return repair(project, apply([fix for fix in trial.fixes if fix not in failed], project.text))
    except RepairError as error:
        raise RunError(str(error)) from error


def _diff(project: Project, trial: Trial, redactor: Redactor) -> str:
    """All safe fixes as one diff, secrets masked."""
    from pytest_asyncdb.fixes import unified_diff

    return redactor.text(unified_diff({path: project.text(path) for path in trial.texts}, trial.texts))


def _fixed(reported: Sequence[ReportedFinding]) -> frozenset[Finding]:
    """The findings that an applied, proven fix took away."""
    proven = (one for one in reported if any(o.fix.safe and o.proof is Proof.PROVEN for o in one.fixes))
    return frozenset(one.finding for one in proven)


def _redactor(project: Project, server: Server) -> Redactor:
    from pytest_asyncdb.urls.redact import Redactor

    return Redactor([*project.secrets, server.password])


def _environment(first: Examination) -> tuple[tuple[str, str], ...]:
    installed = first.facts.installed
    names = ("sqlalchemy", "sqlmodel", "asyncpg", "psycopg", "greenlet", "fastapi", "litestar", "starlette", "pytest")
    versions = [(name, installed.version(name)) for name in names]
    boot = first.facts.boot
    drivers = sorted({engine.driver for engine in boot.engines if engine.driver}) if boot else []
    return (
        ("python", platform.python_version()),
        ("platform", f"{platform.system()} {platform.machine()}"),
        *((name, version) for name, version in versions if version),
        *([("driver", ", ".join(drivers))] if drivers else []),
        ("ci", "yes" if os.environ.get("CI") else "no"),
    )


def _notes(app: App, first: Examination) -> tuple[str, ...]:
    notes = [f"other apps were found and not chosen: {', '.join(app.others)}"] if app.others else []
    notes += [str(first.filled)] if first.filled else []
    boot = first.facts.boot
    changed = dict.fromkeys(note for one in boot.connections for note in one.notes) if boot else {}
    return (*notes, *changed)
