"""Facts about the project as a whole: its app, its import graph, what git tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.model.place import Place, Span


@dataclass(frozen=True, slots=True)
class App:
    """The app to boot.

    ``target`` is ``module:attribute``; ``import_root`` is what goes on ``sys.path`` and ``cwd`` where the process
    starts, both POSIX and relative to the project (``.`` for itself).
    """

    target: str
    factory: bool
    found_in: str
    """Where the target was read: ``Dockerfile:14``, ``src/main.py:12`` or ``asyncdb_app``."""
    import_root: str
    cwd: str
    framework: str | None
    module_path: str | None
    others: tuple[str, ...] = ()
    """Other candidates that were not chosen."""
    folder: str = "."
    """The service that it is the app of: the folder with its dependency files."""
    above: str = ""
    """What the target is in the folder above the project, where the project's own folder is a package
    (``shop.main:app``); empty where it is none, or a command says that the app is imported without it."""
    told: str = ""
    """What the command that starts it calls it, where the module's own imports need another name; else empty."""


@dataclass(frozen=True, slots=True)
class HeldTransaction:
    """A transaction in which a lifespan yields: the ``yield``, and the block that begins the transaction."""

    lifespan: str
    place: Place
    block: Place
    outdent: Span | None
    """The white space to take away for the ``yield`` to come after the block; None where it takes more than that."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A circle of module-level imports: dotted module names in import order, and the statement of each step."""

    modules: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """A router defined at module level: ``name`` is canonical (``src.auth.routes.router``)."""

    name: str
    place: Place
    routes: int
    included: bool
    """Some ``include_router``, ``mount``, ``route_handlers=[...]`` or the like mentions it, following imports."""
