"""One whole run: from settings to a result. The only place that knows the order of things."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.combine import combine
from pytest_asyncdb.criteria import criteria
from pytest_asyncdb.examine import examine, read
from pytest_asyncdb.judge import outcomes
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.fix import Proof
from pytest_asyncdb.model.result import AppInfo, ReportedFinding, Result, ServerInfo
from pytest_asyncdb.sources.leftout import told
from pytest_asyncdb.sources.project import Project
from pytest_asyncdb.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_asyncdb.examine import Examination
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.app import NoAppError
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.thread import ServerThread
    from pytest_asyncdb.proofs import Trial
    from pytest_asyncdb.sandbox.children import Children
    from pytest_asyncdb.sandbox.launch import Child
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.urls.redact import Redactor


_UNTIL_STARTED = frozenset({"import", "create", "startup"})


class RunError(Exception):
    """The run cannot be done as asked; the message says what was looked for, where, and each way out."""


def analyse(
    settings: Settings,
    *,
    ids: Sequence[str] | None = None,
    repair: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Result:
    """Examine a project: boot each of its apps, judge it, prove the fixes.

    Args:
        settings: what was asked for.
        ids: which checks to run; all of them when None.
        repair: write the proven safe fixes into the project.
        tell: hears what the run waits for, when that takes long.

    Raises:
        RunError: the app that was named is not there, no server, or a file that cannot be repaired.
    """
    from pytest_asyncdb.facts.app import AppNotFoundError, NoAppError, find_apps
    from pytest_asyncdb.sandbox.children import Children

    # The child makes itself ready while the project is read.
    with Children(settings.python) as children, children.fresh() as child, Waiting(tell) as waiting:
        run = Run(settings, ids, repair, children, waiting)
        project = Project(settings.root)
        try:
            with waiting.on("looking for the app in the project's files"):
                apps = find_apps(project, settings)
        except NoAppError as error:
            return run.read(project, error)
        except AppNotFoundError as error:
            raise RunError(str(error)) from error
        try:
            return run.boot(project, apps, child)
        except _known_errors() as error:
            raise RunError(str(error)) from error


def _known_errors() -> tuple[type[Exception], ...]:
    from pytest_asyncdb.postgres.choose import NoProviderError, UnknownProviderError
    from pytest_asyncdb.postgres.protocol import ServerError
    from pytest_asyncdb.sandbox.launch import SandboxError

    return NoProviderError, UnknownProviderError, ServerError, SandboxError


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for, and the two ways of doing it."""

    settings: Settings
    ids: Sequence[str] | None
    repair: bool
    children: Children
    waiting: Waiting

    def boot(self, project: Project, apps: Sequence[App], child: Child) -> Result:
        """Examine each app, one after the other, on one server."""
        from pytest_asyncdb.postgres.thread import DatabaseThread, ServerThread

        settings = self.settings
        with ServerThread(settings.postgres, settings.server_timeout, settings.extensions) as thread:
            first = self._examined(_part(project, apps, 0), apps[0], thread, child)
            server, not_used = thread.server(), thread.choice.not_used if thread.choice else ()
            results = [self._conclude(first, apps[0], server, not_used)]
            for number, app in enumerate(apps[1:], start=1):
                with DatabaseThread(server) as own:
                    more = self._examined(_part(project, apps, number), app, own)
                    results.append(self._conclude(more, app, own.server(), not_used))
        return combine(results)

    def _examined(
        self, project: Project, app: App, server: ServerThread | Server, child: Child | None = None
    ) -> Examination:
        children, waiting = self.children, self.waiting
        return examine(project, app, self.settings, server, self.ids, children=children, child=child, waiting=waiting)

    def read(self, project: Project, why: NoAppError) -> Result:
        """Judge the sources of a project without an app; that none was found is no good end."""
        reason = "no app was found" if not why.declared else "`asyncdb_app = none`: the project has no app"
        with self.waiting.on("reading and judging the sources"):
            examination = read(project, self.settings, self.ids, f"{reason}, so nothing was booted")
        result = self._conclude(examination, None, None, ())
        return replace(result, incomplete="" if why.declared else str(why))

    def _conclude(
        self, first: Examination, app: App | None, server: Server | None, not_used: tuple[tuple[str, str], ...]
    ) -> Result:
        redactor = _redactor(first.facts, server)
        reported: tuple[ReportedFinding, ...] = tuple(ReportedFinding(f) for f in first.judgement.findings)
        applied: tuple[str, ...] = ()
        fixed: frozenset[Finding] = frozenset()
        diff = ""
        if self.settings.prove and any(one.finding.fixes for one in reported):
            from pytest_asyncdb.proofs import Bench
            from pytest_asyncdb.verify import prove

            reported, trial = prove(Bench(first, app, self.settings, server, redactor, self.children, self.waiting))
            diff = _diff(first.project, trial, redactor) if trial else ""
            if self.repair and trial is not None:
                applied = _repair(first.project, reported, trial)
                fixed = _fixed(reported)
        about = _about(app, first.facts.boot) if app else None
        return Result(
            environment=_environment(first),
            server=ServerInfo(server.provider, server.version, server.seconds, not_used) if server else None,
            app=about,
            criteria=criteria(first.facts, reported, first.judgement.outcomes),
            findings=reported,
            checks=outcomes(first.checks, first.judgement, reported, fixed, self.settings.fail_on),
            notes=(*(server.limits if server else ()), *_notes(app, first)),
            left_out=told(first.project.left_out),
            applied=applied,
            diff=diff,
            apps=(about,) if about else (),
            incomplete=_not_started(first.facts, reported),
        )


def _part(project: Project, apps: Sequence[App], number: int) -> Project:
    """The project as one of its apps sees it: without the folders of the other services."""
    own = apps[number].folder
    others = {one.folder for one in apps if not f"{own}/".startswith(f"{one.folder}/")} - {".", own}
    if not (number or others):
        return project
    return Project(project.root, tuple(sorted(others)))  # read anew: a fix may have been written meanwhile


def _not_started(facts: Facts, reported: Sequence[ReportedFinding]) -> str:
    """Why a run can't be called good in which this Python could not parse the app, which is no fault of the app."""
    from pytest_asyncdb.model.interpreter import refused_at_boot

    if not refused_at_boot(facts) or any(one.finding.severity is Severity.BLOCKS for one in reported):
        return ""
    return "this Python can't parse the app, so it was not started: run pytest with the Python that it is made for"


def _about(app: App, boot: BootRecord | None) -> AppInfo:
    booted = boot is not None and boot.passed("startup")
    return AppInfo(app.target, app.found_in, booted=booted, path=app.module_path or "")


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


def _redactor(facts: Facts, server: Server | None) -> Redactor:
    from pytest_asyncdb.urls.redact import Redactor

    return Redactor([*facts.secrets, *([server.password] if server else [])])


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


def _notes(app: App | None, first: Examination) -> tuple[str, ...]:
    others = app.others if app else ()
    way = f" (--asyncdb-app={others[0]} checks another one)" if others else ""
    notes = [f"other apps were found and not chosen: {', '.join(others)}{way}"] if others else []
    if app and app.told:
        notes.append(f"{app.found_in} names `{app.told}`, whose imports need another name: `{app.target}` was booted")
    notes += first.filled.notes() if first.filled else []
    boot = first.facts.boot
    return (*notes, *(_boot_notes(boot) if boot else ()))


def _boot_notes(boot: BootRecord) -> Iterator[str]:
    migration = boot.migration
    if migration is not None and migration.ok:
        number = len(migration.applied)
        revisions = "1 revision" if number == 1 else f"{number} revisions"
        yield f"`{migration.command}` prepared the database before the app was asked: {revisions}"
    if boot.passed("startup") and not any(one.phase in _UNTIL_STARTED for one in boot.engines):
        late = next((one.place for one in boot.engines if one.phase == "requests" and one.place), None)
        then = f"; the first is made at a request ({late}), and was tried then" if late else ""
        yield f"no engine or pool exists at the end of the startup{then or ', so none could be tried'}"
    yield from dict.fromkeys(note for one in boot.connections for note in one.notes)
