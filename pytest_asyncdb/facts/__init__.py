"""Typed statements about the project, each computed once, when first read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts.dependencies import Declared, Installed
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.facts.project import App, Cycle, Router
    from pytest_asyncdb.facts.python import Module
    from pytest_asyncdb.facts.sessions import SessionFactory
    from pytest_asyncdb.facts.urls import WrittenUrl
    from pytest_asyncdb.sandbox.record import BootRecord


class Facts:
    """What checks read. (Being written: the attributes are the contract.)"""

    modules: tuple[Module, ...]
    declared: Declared
    installed: Installed
    urls: tuple[WrittenUrl, ...]
    engines: tuple[Engine, ...]
    session_factories: tuple[SessionFactory, ...]
    cycles: tuple[Cycle, ...]
    routers: tuple[Router, ...]
    app: App | None
    boot: BootRecord | None
    """None when the app was not booted."""
    no_boot: str
    """Why there was no boot, when there was none."""

    def sqlalchemy(self) -> tuple[int, int] | None:
        """Installed (major, minor) of SQLAlchemy, or None when it is not installed."""
        raise NotImplementedError
