"""The boots of one examination: the first, and more of them with made-up settings while the app misses some."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.thread import ServerThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.examples import Filled
    from pytest_asyncdb.facts.migrations import Migrations
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.migrating import Migrator
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.sandbox.children import Children
    from pytest_asyncdb.sandbox.launch import Boot, Child
    from pytest_asyncdb.sandbox.record import BootRecord
    from pytest_asyncdb.sandbox.request import BootRequest, Habits

_ROUNDS = 8
"""How often settings are made up: classes of settings are often made one after the other, each with its own."""
_TELLING = 6
"""As many characters of a made-up value, found in an error, make the value its cause."""


class _Attempt:
    """One boot, its migrations beside it, and the thread that gives each of them the server in its turn."""

    def __init__(self, boot: Boot, migrator: Migrator | None) -> None:
        self._boot = boot
        self._migrator = migrator
        self._handover: threading.Thread | None = None

    def begin(self, server: ServerThread | Server) -> None:
        self._handover = threading.Thread(target=self._hand_over, args=(server,), name="asyncdb-handover", daemon=True)
        self._handover.start()

    def complete(self, modules: tuple[tuple[str, str], ...], secrets: tuple[str, ...]) -> None:
        self._boot.complete(modules, secrets)
        if self._migrator is not None:
            self._migrator.complete(secrets)

    def join(self) -> None:
        if self._handover is not None:
            self._handover.join()

    def failed_start(self) -> BootRecord | None:
        """What was seen of an app that could not be imported or made, before all else is known."""
        return self._boot.failed_start()

    def record(self) -> BootRecord:
        """What the app's boot and its migrations showed."""
        done = self._migrator.record() if self._migrator is not None else None
        return replace(self._boot.result(), migration=done)

    def doing(self) -> Iterator[tuple[str, str]]:
        """What of it runs just now, and where that stands."""
        return (one.doing() for one in (self._boot, self._migrator) if one is not None)

    def ask(self) -> None:
        for one in (self._boot, self._migrator):
            if one is not None:
                one.ask()

    def kill(self) -> None:
        self._boot.kill()
        if self._migrator is not None:
            self._migrator.kill()

    def _hand_over(self, server: ServerThread | Server) -> None:
        """Give the server to the app once it is ready and has the app's tables."""
        try:
            ready = server.server() if isinstance(server, ServerThread) else server
            if self._migrator is not None:
                self._migrator.upgrade(ready)
            self._boot.serve(ready)
        except Exception as error:  # noqa: BLE001 - told by the thread that judges; the boot must not wait for ever
            self._boot.no_server(str(error))


class Boots:
    """Boots the app, and again with values for what it says is not set.

    Args:
        facts: about the tree whose app is booted; what of them is asked for needs no boot.
        app: what to boot in it.
        server: where all connections go; may still be starting.
        children: where the processes come from.
    """

    def __init__(self, facts: Facts, app: App, server: ServerThread | Server, children: Children) -> None:
        """Read the examples of settings; nothing runs yet."""
        from pytest_asyncdb.facts.examples import filled_in

        self._facts = facts
        self._project, self._settings = facts.project, facts.settings
        self._app = app
        self._server = server
        self._children = children
        self._modules: tuple[tuple[str, str], ...] = ()
        self._secrets: tuple[str, ...] = ()
        self._scheme: Callable[[], str] = str
        self._migrations: Migrations | None = None
        self.filled: Filled = filled_in(self._project, app, self._settings)
        """What the app got besides its own environment."""

    def begin(self, child: Child | None) -> None:
        """Start the first boot, which does not know yet which modules there are."""
        from pytest_asyncdb.facts.migrations import find_migrations

        settings, request = self._settings, self.request()
        first = (child or self.spawn(request)).boot(request, complete=False, spawn=self.spawn)
        if isinstance(self._server, ServerThread):
            self._server.begin()
        self._migrations = find_migrations(self._project, self._app) if settings.migrations == "run" else None
        self._attempt = _Attempt(first, self._migrator())
        self._attempt.begin(self._server)

    def prepare(self) -> None:
        """Load the app's packages beside the first boot, because there will be more of them."""
        self._children.prepare(self.request(), lambda: self._facts.packages(self._app))
        _ = self._habits  # read here, for what is started from other threads

    def spawn(self, request: BootRequest) -> Child:
        """A child for a boot after the first."""
        return self._children.child(request, lambda: self._habits)

    @cached_property
    def _habits(self) -> Habits:
        return self._facts.habits(self._app)

    def complete(
        self, modules: tuple[tuple[str, str], ...], secrets: tuple[str, ...], scheme: Callable[[], str]
    ) -> None:
        """Say what was found out while the app was being imported."""
        self._modules, self._secrets, self._scheme = modules, secrets, scheme
        self._attempt.complete(modules, secrets)

    def ready(self) -> None:
        """Wait for the server.

        Raises:
            NoProviderError, UnknownProviderError, ServerError: there is none.
        """
        if isinstance(self._server, ServerThread):
            self._server.server()

    def record(self) -> BootRecord:
        """What the boot saw; the last one, when the app took the settings that were made up for it."""
        before, record = self.filled, self._look()
        works = False  # without what is made up for it, on sqlite
        for left in reversed(range(_ROUNDS)):
            values = self._made_up(record)
            if not values:
                break
            works = works or (record.passed("startup") and bool(record.engines))
            self.filled = self.filled.with_made_up(values)
            record = self._again(record, last=not left)
        if self.filled is not before and (self._is_refused(record) or (works and not record.passed("startup"))):
            self.filled = before
            return self._again(record, last=True)
        return record

    def doing(self) -> Iterator[tuple[str, str]]:
        """What is waited for just now, and where in it the project's code stands."""
        if isinstance(self._server, ServerThread) and self._server.starts:
            yield "starting the Postgres server", ""
        yield from (one for one in self._attempt.doing() if one[0])

    def ask(self) -> None:
        """Ask where the project's code stands."""
        self._attempt.ask()

    def kill(self) -> None:
        """End what still runs."""
        self._attempt.kill()

    def _made_up(self, record: BootRecord) -> dict[str, str]:
        """Values for what the app says is not set and nobody gives, unless a real ``.env`` leaves it out."""
        from pytest_asyncdb.facts.examples import has_env_file
        from pytest_asyncdb.facts.unset import unset
        from pytest_asyncdb.facts.values import made_up

        wanted = unset(self._project, record)
        if not wanted or has_env_file(self._project, self._app):
            return {}
        given = {name.upper() for name in (*os.environ, *dict(self._settings.env))}
        known = {name.upper(): name for name, _ in self.filled.values}
        before = {name.upper(): value for name, value in self.filled.invented}
        found: dict[str, str] = {}
        for one in wanted:
            name = one.name.upper()
            value = made_up(one, self._scheme()) if name not in given and (name not in known or one.refused) else None
            if value is not None and value != before.get(name):
                found[known.get(name, one.name)] = value
        return found

    def _is_refused(self, record: BootRecord) -> bool:
        """Whether the app stops because of what was made up for it."""
        failed = next((one.error for one in record.phases if one.error), None)
        if failed is None:
            return False
        said = "\n".join([failed.message, *(message for _, message in failed.causes)])
        return "settings" in dict(failed.attributes) or any(
            len(value) >= _TELLING and value in said for _, value in self.filled.invented
        )

    def _again(self, before: BootRecord, *, last: bool = False) -> BootRecord:
        """Boot with what was made up by now, and run the migrations again if they had failed."""
        self._attempt.kill()
        self.prepare()
        request = self.request()
        done = before.migration if before.migration and before.migration.ok else None
        boot = self.spawn(request).boot(request, complete=False, spawn=self.spawn)
        self._attempt = _Attempt(boot, None if done else self._migrator())
        self._attempt.complete(self._modules, self._secrets)
        self._attempt.begin(self._server)
        record = self._look(last=last)
        return replace(record, migration=done) if done else record

    def _look(self, *, last: bool = False) -> BootRecord:
        """What the boot shows: no more than its failure, when another one comes with settings that are made up."""
        failed = None if last else self._attempt.failed_start()
        if failed is not None and self._made_up(failed):
            return failed
        self._attempt.join()
        return self._attempt.record()

    def _migrator(self) -> Migrator | None:
        """Begin with the project's migrations; None when it has none, or they are not wanted."""
        if self._migrations is None:
            return None
        from pytest_asyncdb.migrating import Migrator

        return Migrator(self._migrations, self.request(), self._settings, self.spawn)

    def request(self) -> BootRequest:
        """How the app is booted, with all settings that are known by now."""
        from pytest_asyncdb.sandbox.request import BootRequest

        root, app, settings = self._project.root, self._app, self._settings
        return BootRequest(
            project=root,
            target=app.target,
            factory=app.factory,
            import_root=(root / app.import_root).resolve(),
            cwd=(root / app.cwd).resolve(),
            env=(*self.filled.values, *settings.env),
            allow=settings.allow,
            import_timeout=settings.import_timeout,
            startup_timeout=settings.startup_timeout,
            request_timeout=settings.request_timeout,
            shutdown_timeout=settings.shutdown_timeout,
            python=settings.python,
        )
