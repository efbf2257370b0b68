"""One examination of one tree: read it, boot it, judge it. The project gets one, and each copy with fixes one more."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pytest_asyncdb.judge import judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.judge import Judgement
    from pytest_asyncdb.model.check import Check
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.protocol import Provider
    from pytest_asyncdb.sandbox.launch import BootRequest
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sources.project import Project


class ServerThread:
    """Starts a provider's server beside the boot, and keeps it until the end of the ``with`` block."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._server: Server | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="asyncdb-server", daemon=True)

    def __enter__(self) -> Self:
        """Start; returns at once."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and wait until it is gone."""
        self._stop.set()
        self._thread.join()

    def server(self) -> Server:
        """The server, once it is ready.

        Raises:
            ServerError: it did not start.
        """
        self._ready.wait()
        if self._server is None:
            raise self._error or RuntimeError("the server's thread ended without a server")
        return self._server

    def _run(self) -> None:
        try:
            with self._provider.serve() as server:
                self._server = server
                self._ready.set()
                self._stop.wait()
        except Exception as error:  # noqa: BLE001 - handed to the thread that asks for the server
            self._error = error
        finally:
            self._ready.set()


@dataclass(frozen=True, slots=True)
class Examination:
    """A tree, what is known of it, and what the checks say."""

    project: Project
    facts: Facts
    judgement: Judgement


def examine(
    project: Project, app: App, settings: Settings, server: ServerThread | Server, checks: Sequence[Check]
) -> Examination:
    """Boot the app of ``project`` and judge all that is known.

    The app is being imported while the server starts and the sources are read.

    Raises:
        ServerError: the server did not start.
    """
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.sandbox.launch import start

    facts = Facts(project, settings, lambda: (boot_record(), ""))
    boot = start(_request(project, app, settings, facts))

    def boot_record() -> BootRecord:
        return boot.result()

    try:
        waiter = threading.Thread(target=lambda: _read_ahead(facts), name="asyncdb-facts", daemon=True)
        waiter.start()
        boot.serve(server.server() if isinstance(server, ServerThread) else server)
        waiter.join()
        lines = _Lines(project)
        return Examination(project, facts, judge(facts, checks, lines.line, settings.fail_on))
    finally:
        boot.kill()


class _Lines:
    """Lines of project files, for suppression comments."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def line(self, path: str, number: int) -> str:
        """The text of a line (from 1), or nothing where there is none."""
        try:
            lines = self._project.text(path).splitlines()
        except OSError:
            return ""
        return lines[number - 1] if 0 < number <= len(lines) else ""


def _read_ahead(facts: Facts) -> None:
    """Compute what needs no boot while the app boots."""
    _ = facts.declared, facts.installed, facts.urls, facts.static_engines, facts.static_session_factories
    _ = facts.cycles, facts.routers


def _request(project: Project, app: App, settings: Settings, facts: Facts) -> BootRequest:
    from pytest_asyncdb.sandbox.launch import BootRequest

    root: Path = project.root
    return BootRequest(
        project=root,
        target=app.target,
        factory=app.factory,
        import_root=(root / app.import_root).resolve(),
        cwd=(root / app.cwd).resolve(),
        env=settings.env,
        import_timeout=settings.import_timeout,
        startup_timeout=settings.startup_timeout,
        request_timeout=settings.request_timeout,
        shutdown_timeout=settings.shutdown_timeout,
        modules=facts.modules_to_import(app),
        secrets=project.secrets,
        python=settings.python,
    )
