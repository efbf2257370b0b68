"""Typed statements about the project, each computed once, when first read."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.facts.alembic_options import AlembicOption
    from pytest_asyncdb.facts.codebase import Codebase
    from pytest_asyncdb.facts.dependencies import Declared, Installed, Locked
    from pytest_asyncdb.facts.deployment import ComposeDatabase
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.feeds import UrlHelper, UrlTrial
    from pytest_asyncdb.facts.masked import MaskedText
    from pytest_asyncdb.facts.migrations import Migrations
    from pytest_asyncdb.facts.names import Names
    from pytest_asyncdb.facts.project import App, Cycle, HeldTransaction, Router
    from pytest_asyncdb.facts.python import Module
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.facts.static import Static
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sandbox.record import BootRecord, SampleRecord
    from pytest_asyncdb.sandbox.request import Habits, Packages
    from pytest_asyncdb.sources.project import Project


class Facts:
    """What checks read.

    Args:
        project: the project on disk.
        settings: what the user asked for.
        app: the app to boot; None when there is none.
        boot_source: called when ``boot`` is first read; returns the boot's record, or None and why there was no boot.
            Everything static can be read before, while the app boots.
        sample_source: called when ``samples`` is first read; returns what the helpers made of sample URLs.
    """

    def __init__(
        self,
        project: Project,
        settings: Settings,
        app: App | None,
        boot_source: Callable[[], tuple[BootRecord | None, str]],
        sample_source: Callable[[], tuple[SampleRecord, ...]] = tuple,
    ) -> None:
        """Nothing is read yet."""
        self._sample_source = sample_source
        self.project = project
        self.settings = settings
        self.app = app
        self._boot_source = boot_source

    def without_boot(self) -> Facts:
        """The same facts as far as the sources tell them, for what must not wait for the boot."""
        static = copy(self)
        vars(static).update(_boot_source=lambda: (None, "the boot is not waited for"), _sample_source=tuple)
        return static

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Every Python file of the project."""
        from pytest_asyncdb.facts.modules import modules

        return modules(self._codebase, self._names)

    @cached_property
    def declared(self) -> Declared:
        """What the project declares."""
        from pytest_asyncdb.facts.declared import declared

        return declared(self.project, self.app)

    @cached_property
    def locked(self) -> Locked:
        """What a lock file, or exact requirements, settle about the versions of production."""
        from pytest_asyncdb.facts.locks import locked

        return locked(self.project, self.declared)

    @cached_property
    def installed(self) -> Installed:
        """What the app's interpreter has installed."""
        from pytest_asyncdb.facts.installed import installed

        return installed(self.declared, self.settings.python)

    @cached_property
    def urls(self) -> tuple[WrittenUrl, ...]:
        """Database URLs written in the project's files."""
        from pytest_asyncdb.facts.written import written_urls

        return written_urls(self.project, self._codebase)

    @cached_property
    def unread_variables(self) -> tuple[WrittenUrl, ...]:
        """Database URLs that the deployment passes under a name that nothing in the project reads."""
        from pytest_asyncdb.facts.deployment import unread_variables

        return tuple(unread_variables(self.project, self._codebase, self.urls))

    @cached_property
    def compose_databases(self) -> tuple[ComposeDatabase, ...]:
        """The Postgres servers that the project's compose files run."""
        from pytest_asyncdb.facts.deployment import compose_databases

        return tuple(compose_databases(self.project))

    @cached_property
    def static_engines(self) -> tuple[Engine, ...]:
        """Engines as the sources define them; needs no boot."""
        return self._static.engines

    @cached_property
    def static_session_factories(self) -> tuple[SessionFactory, ...]:
        """Session factories as the sources define them; needs no boot."""
        return self._static.factories

    @cached_property
    def url_helpers(self) -> tuple[UrlHelper, ...]:
        """The project's own code between a setting and the URL of an engine; needs no boot."""
        from pytest_asyncdb.facts.feeds import with_driver
        from pytest_asyncdb.urls.declared import replacement

        helpers = self._static.helpers
        return with_driver(helpers, replacement(self)) if helpers else ()

    @cached_property
    def url_trials(self) -> tuple[UrlTrial, ...]:
        """What that code made of the URLs that providers hand out."""
        from pytest_asyncdb.facts.feeds import trials

        return trials(self.url_helpers, self.samples)

    @cached_property
    def samples(self) -> tuple[SampleRecord, ...]:
        """What was seen of it, helper by helper."""
        _ = self.boot  # by its end all is known that the project has to be given
        return self._sample_source()

    @cached_property
    def hosting(self) -> frozenset[str]:
        """Words in the project's files that tell which provider it is deployed at."""
        from pytest_asyncdb.facts.deployment import hosting_hints

        return hosting_hints(self.project)

    @cached_property
    def engines(self) -> tuple[Engine, ...]:
        """Engines: what the sources say and what the boot saw are one."""
        from pytest_asyncdb.facts.merge import merged_engines

        records = self.boot.engines if self.boot else ()
        return merged_engines(self.project, self.static_engines, records, self.urls, self._app_path)

    @cached_property
    def session_factories(self) -> tuple[SessionFactory, ...]:
        """Session factories: what the sources say and what the boot saw are one."""
        from pytest_asyncdb.facts.merge import merged_factories

        records = self.boot.factories if self.boot else ()
        return merged_factories(self.project, self.static_session_factories, records, self._app_path)

    @cached_property
    def refreshes_after_commits(self) -> bool:
        """Whether the app's own code commits, and then reads nothing that it has not refreshed."""
        from pytest_asyncdb.facts.commits import nothing_is_read_after_commits

        return nothing_is_read_after_commits(self.project)

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """Circular imports among the app's modules."""
        from pytest_asyncdb.facts.graph import cycles

        return cycles(self._codebase)

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """Routers that the app's modules define."""
        from pytest_asyncdb.facts.routers import routers

        return routers(self._codebase, self._names)

    @cached_property
    def held_transactions(self) -> tuple[HeldTransaction, ...]:
        """Transactions of the startup that last as long as the app."""
        from pytest_asyncdb.facts.lifespans import held_transactions

        return held_transactions(self._codebase)

    @cached_property
    def migrations(self) -> Migrations | None:
        """The app's migrations; None when it has none."""
        from pytest_asyncdb.facts.migrations import described, find_migrations

        found = find_migrations(self.project, self.app) if self.app else None
        return described(self.project, found) if found else None

    @cached_property
    def alembic_options(self) -> tuple[AlembicOption, ...]:
        """Options of Alembic's configuration whose value is handed over with its percent signs as they are."""
        from pytest_asyncdb.facts.alembic_options import alembic_options

        return tuple(alembic_options(self.project, self._codebase, self._names, self.urls, self.app))

    @cached_property
    def masked_texts(self) -> tuple[MaskedText, ...]:
        """Texts of URLs that have lost their password, where an engine or Alembic gets them."""
        from pytest_asyncdb.facts.masked import Masked

        found = Masked(self.project, self._codebase, self._names, self.app, urls=self.urls, engines=self.static_engines)
        return tuple(found.texts())

    @cached_property
    def made_by_sql(self) -> dict[tuple[str, str], Place]:
        """Schemas, tables and types that SQL files of the project make, each with where."""
        from pytest_asyncdb.facts.scripts import made_by_sql

        return made_by_sql(self.project)

    def modules_to_import(self, app: App) -> tuple[tuple[str, str], ...]:
        """Dotted names and paths of the modules that the sandbox imports after the app."""
        from pytest_asyncdb.facts.importable import modules_to_import

        return modules_to_import(app, self._codebase)

    def packages(self, app: App) -> Packages:
        """Modules from outside the project that importing the app imports, and making its engines."""
        from pytest_asyncdb.facts.ahead import packages
        from pytest_asyncdb.facts.flow import Flow
        from pytest_asyncdb.urls.declared import usual_scheme

        scheme = usual_scheme(self) if self.static_engines else ""
        return packages(app, self._codebase, Flow(self._codebase, self._names), scheme)

    def habits(self, app: App) -> Habits:
        """What the app's modules could notice of packages that were loaded before them."""
        from pytest_asyncdb.facts.ahead import habits

        return habits(app, self._codebase)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Everything secret in the project and the environment: for redactors, never for a person."""
        from pytest_asyncdb.facts.examples import secrets_elsewhere
        from pytest_asyncdb.urls.redact import secrets_of

        given = [secret for name, value in self.settings.env for secret in secrets_of(name, value)]
        elsewhere = secrets_elsewhere(self.project, self.app) if self.app else ()
        return (*self.project.secrets, *given, *elsewhere)

    @property
    def boot(self) -> BootRecord | None:
        """What the boot saw; None when the app was not booted."""
        return self._boot[0]

    @property
    def no_boot(self) -> str:
        """Why there was no boot, when there was none."""
        return self._boot[1]

    def sqlalchemy(self) -> tuple[int, int] | None:
        """Installed (major, minor) of SQLAlchemy, or None when it is not installed."""
        return self.installed.release("sqlalchemy")

    @cached_property
    def _boot(self) -> tuple[BootRecord | None, str]:
        return self._boot_source()

    @property
    def _app_path(self) -> str:
        return (self.app.module_path if self.app else None) or ""

    @cached_property
    def _codebase(self) -> Codebase:
        from pytest_asyncdb.facts.codebase import Codebase

        return Codebase(self.project, self.app.import_root if self.app else ".")

    @cached_property
    def _names(self) -> Names:
        from pytest_asyncdb.facts.names import Names

        return Names(self._codebase)

    @cached_property
    def _static(self) -> Static:
        from pytest_asyncdb.facts.roots import folders_of
        from pytest_asyncdb.facts.static import Static

        return Static(self._codebase, self._names, self.urls, folders_of(self.app))
