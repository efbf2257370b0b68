"""Facts of a copy in which some files were changed: what these files have no part in is taken from the original."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_asyncdb.facts import Facts
from pytest_asyncdb.facts.codebase import Codebase
from pytest_asyncdb.sources.walk import is_env_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.facts.dependencies import Declared, Installed, Locked
    from pytest_asyncdb.facts.names import Names
    from pytest_asyncdb.facts.project import App, Cycle, Router
    from pytest_asyncdb.facts.python import Module
    from pytest_asyncdb.facts.static import Static
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sandbox.record import BootRecord, SampleRecord
    from pytest_asyncdb.sources.project import Project


class CopiedFacts(Facts):
    """What checks read of a copy.

    Args:
        project: the copy on disk.
        settings: what the user asked for, of the copy.
        app: the app to boot.
        boot_source: as for the original.
        sample_source: as for the original.
        before: the facts of the original.
        changed: paths of the files that differ; there are no others than in the original.
    """

    def __init__(  # noqa: PLR0913 - the arguments of all facts, and what these are like
        self,
        project: Project,
        settings: Settings,
        app: App | None,
        boot_source: Callable[[], tuple[BootRecord | None, str]],
        sample_source: Callable[[], tuple[SampleRecord, ...]] = tuple,
        *,
        before: Facts,
        changed: frozenset[str],
    ) -> None:
        """Nothing is read yet."""
        super().__init__(project, settings, app, boot_source, sample_source)
        self._before = before
        self._changed = changed
        self._has_code = not any(path.endswith(".py") for path in changed)
        self._has_declarations = all(map(_declares_nothing, changed))

    @cached_property
    def declared(self) -> Declared:
        """What the project declares."""
        return self._before.declared if self._has_declarations else super().declared

    @cached_property
    def locked(self) -> Locked:
        """What settles the versions of production."""
        return self._before.locked if self._has_declarations else super().locked

    @cached_property
    def installed(self) -> Installed:
        """What the app's interpreter has installed."""
        return self._before.installed if self._has_declarations else super().installed

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Every Python file of the project."""
        return self._before.modules if self._has_code else super().modules

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """Circular imports among the app's modules."""
        return self._before.cycles if self._has_code else super().cycles

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """Routers that the app's modules define."""
        return self._before.routers if self._has_code else super().routers

    @cached_property
    def _codebase(self) -> Codebase:
        before = self._before._codebase  # noqa: SLF001 - of the same class
        return before if self._has_code else Codebase(self.project, before.import_root, before, self._changed)

    @cached_property
    def _names(self) -> Names:
        return self._before._names if self._has_code else super()._names  # noqa: SLF001 - of the same class

    @cached_property
    def _static(self) -> Static:
        same = self._has_code and self.urls == self._before.urls
        return self._before._static if same else super()._static  # noqa: SLF001 - of the same class


def _declares_nothing(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return (name.endswith(".py") and name != "setup.py") or is_env_file(name, folder)
