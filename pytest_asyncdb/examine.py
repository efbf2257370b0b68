"""One examination of one tree: read it, boot it, judge it. The project gets one, and each copy with fixes one more."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.judge import judge
from pytest_asyncdb.postgres.thread import ServerThread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.examples import Filled
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.judge import Judgement
    from pytest_asyncdb.migrating import Migrator
    from pytest_asyncdb.model.check import Check
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sandbox.launch import Boot, Child
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sandbox.request import BootRequest
    from pytest_asyncdb.sources.project import Project


@dataclass(frozen=True, slots=True)
class Examination:
    """A tree, what is known of it, and what the checks say."""

    project: Project
    facts: Facts
    checks: tuple[Check, ...]
    judgement: Judgement
    filled: Filled | None = None
    """Settings that the boot had from an example file."""


def examine(  # noqa: PLR0913 - what to examine, and with what
    project: Project,
    app: App,
    settings: Settings,
    server: ServerThread | Server,
    ids: Sequence[str] | None,
    *,
    child: Child | None = None,
) -> Examination:
    """Boot the app of ``project`` and judge all that is known.

    The app is being imported while the server starts, the sources are read and the checks are loaded.

    Args:
        project: the tree to examine.
        app: what to boot in it.
        settings: deadlines and what fails a check.
        server: where all connections go; may still be starting.
        ids: which checks to run; all of them when None.
        child: a child that is ready already.

    Raises:
        NoProviderError, UnknownProviderError, ServerError: there is no server.
        SandboxError: the sandbox did not start.
    """
    from pytest_asyncdb.facts.examples import filled_in
    from pytest_asyncdb.sandbox.launch import spawn

    # Nothing stands before the app's import that can wait: it takes longer than all the rest together.
    filled = filled_in(project, app, settings)
    request = _request(project, app, settings, filled)
    boot = (child or spawn(settings.python)).boot(request, complete=False)
    if isinstance(server, ServerThread):
        server.begin()
    booting = _Booting(boot, _migrator(project, app, settings, request), server)
    try:
        from pytest_asyncdb.facts import Facts
        from pytest_asyncdb.registry import load

        facts = Facts(project, settings, app, lambda: (booting.seen(), ""))
        booting.complete(facts.modules_to_import(app), project.secrets)
        _read_ahead(facts)
        checks = load(ids)
        booting.wait()
        judgement = judge(facts, checks, _Lines(project).line, settings.fail_on, project.templates)
        return Examination(project, facts, checks, judgement, filled)
    finally:
        booting.kill()


def read(project: Project, settings: Settings, ids: Sequence[str] | None, why: str) -> Examination:
    """Judge what the sources alone tell, of a project that has no app to boot.

    Args:
        project: the tree to examine.
        settings: what fails a check.
        ids: which checks to run; all of them when None.
        why: the reason for which the checks of a boot are not judged.
    """
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.registry import load

    facts = Facts(project, settings, None, lambda: (None, why))
    checks = load(ids)
    return Examination(
        project, facts, checks, judge(facts, checks, _Lines(project).line, settings.fail_on, project.templates)
    )


def _migrator(project: Project, app: App, settings: Settings, request: BootRequest) -> Migrator | None:
    """Begin with the project's migrations; None when it has none, or they are not wanted."""
    from pytest_asyncdb.facts.migrations import find_migrations

    found = find_migrations(project, app) if settings.migrations == "run" else None
    if found is None:
        return None
    from pytest_asyncdb.migrating import Migrator

    return Migrator(found, request, settings)


class _Booting:
    """The app's boot, its migrations beside it, and the thread that gives each of them the server in its turn."""

    def __init__(self, boot: Boot, migrator: Migrator | None, server: ServerThread | Server) -> None:
        self._boot = boot
        self._migrator = migrator
        self._server = server
        self._handover = threading.Thread(target=self._hand_over, name="asyncdb-handover", daemon=True)
        self._handover.start()

    def complete(self, modules: tuple[tuple[str, str], ...], secrets: tuple[str, ...]) -> None:
        self._boot.complete(modules, secrets)
        if self._migrator is not None:
            self._migrator.complete(secrets)

    def wait(self) -> None:
        """Wait until the app has the server.

        Raises:
            NoProviderError, UnknownProviderError, ServerError: there is none.
        """
        self._handover.join()
        if isinstance(self._server, ServerThread):
            self._server.server()

    def seen(self) -> BootRecord:
        """What the app's boot and its migrations showed."""
        done = self._migrator.record() if self._migrator is not None else None
        return replace(self._boot.result(), migration=done)

    def kill(self) -> None:
        self._boot.kill()
        if self._migrator is not None:
            self._migrator.kill()

    def _hand_over(self) -> None:
        """Give the server to the app once it is ready and has the app's tables."""
        try:
            ready = self._server.server() if isinstance(self._server, ServerThread) else self._server
            if self._migrator is not None:
                self._migrator.upgrade(ready)
            self._boot.serve(ready)
        except Exception as error:  # noqa: BLE001 - told by the thread that judges; the boot must not wait for ever
            self._boot.no_server(str(error))


class _Lines:
    """Lines of project files, for suppression comments."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def line(self, path: str, number: int) -> str:
        """The text of a line (from 1), or nothing where there is none."""
        lines = self._project.lines(path)
        return lines.text[lines.start(number) : lines.end(number)] if 0 < number <= len(lines) else ""


def _read_ahead(facts: Facts) -> None:
    """Compute what needs no boot while the app boots."""
    _ = facts.declared, facts.installed, facts.urls, facts.static_engines, facts.static_session_factories
    _ = facts.cycles, facts.routers


def _request(project: Project, app: App, settings: Settings, filled: Filled | None) -> BootRequest:
    from pytest_asyncdb.sandbox.request import BootRequest

    root: Path = project.root
    return BootRequest(
        project=root,
        target=app.target,
        factory=app.factory,
        import_root=(root / app.import_root).resolve(),
        cwd=(root / app.cwd).resolve(),
        env=(*(filled.values if filled else ()), *settings.env),
        import_timeout=settings.import_timeout,
        startup_timeout=settings.startup_timeout,
        request_timeout=settings.request_timeout,
        shutdown_timeout=settings.shutdown_timeout,
        python=settings.python,
    )
