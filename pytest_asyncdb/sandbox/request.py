"""What a boot is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pytest_asyncdb.model.serial import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_asyncdb.model.serial import Json

_OUTAGE = 21.0
"""Seconds for what is asked while the database is taken away."""
_MARGIN = 5.0
"""Seconds that starting and ending the child may take."""


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """Migrations to run instead of an app."""

    kind: str
    """``alembic``, or ``advanced-alchemy``: then the app is made, because its plugin knows how."""
    command: str
    config: str
    """Path of ``alembic.ini`` or ``pyproject.toml``, relative to the project."""
    seconds: float
    """How long they may take, the import of the app included."""


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """One way to have the project make an engine out of a URL."""

    module: str
    """Imported first; where that makes the engine, ``call`` is empty."""
    call: str
    """An expression evaluated in that module: ``_asyncdb_url`` is the URL, ``_asyncdb_load`` finds a class by names."""
    path: str
    """The file in which the engine is made."""
    variables: tuple[str, ...]
    """Variables of the environment that have the URL."""
    constants: tuple[tuple[str, str], ...] = ()
    """Variables that have to have a certain value for Postgres to be chosen."""
    packages: tuple[str, ...] = ()
    """What the module imports from outside the project, itself and through other modules of the project."""
    driver: str = ""
    """When there is one, it is named in the scheme of every sample."""


@dataclass(frozen=True, slots=True)
class Packages:
    """What can be loaded before a project's code."""

    imported: tuple[str, ...]
    """Modules that its code imports as soon as it is imported itself."""
    drivers: tuple[str, ...] = ()
    """Packages that making its engines imports; they are out of sight until then."""
    dialects: tuple[str, ...] = ()
    """Modules of other packages that making its engines imports."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What the code of a project could notice of packages that were loaded before it."""

    uses: tuple[str, ...] = ()
    """Dotted names that a file uses and does not import: they may be modules that only another import loads."""
    sets: tuple[str, ...] = ()
    """Variables of the environment that it sets; ``*`` for any."""


@dataclass(frozen=True, slots=True)
class BootRequest:
    """What to boot, and how long each step may take (seconds)."""

    project: Path
    """The project: absolute, symlinks resolved."""
    target: str
    """``module:attribute``; a module alone is imported and nothing else."""
    factory: bool
    """Whether the attribute makes the app when it is called."""
    import_root: Path
    """First entry of ``sys.path``."""
    cwd: Path
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Added to the environment inside the child, where no process listing shows it."""
    allow: tuple[int, ...] = ()
    """Ports on this machine that the app may reach besides the server."""
    import_timeout: float = 30.0
    startup_timeout: float = 15.0
    request_timeout: float = 10.0
    shutdown_timeout: float = 10.0
    modules: tuple[tuple[str, str], ...] = ()
    """Further modules to import after the app: dotted name, path relative to the project."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    python: str = ""
    """Interpreter; empty means the running one."""
    probe: bool = True
    """Whether engines and session factories are tried and health and auth routes are asked."""
    migration: MigrationRequest | None = None
    """Run these, and do not boot the app."""
    trials: tuple[TrialRequest, ...] = ()
    """When there are some, nothing is booted: each is tried with each of ``urls``."""
    urls: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sample_seconds: float = 25.0

    @property
    def deadline(self) -> float:
        """Seconds after which the child is killed, whatever it does."""
        if self.migration is not None:
            return self.migration.seconds + _MARGIN
        if self.trials:
            return self.sample_seconds + _MARGIN
        imports = self.import_timeout * (1 + self.factory + 2 * bool(self.modules))
        return imports + self.startup_timeout + 8 * self.request_timeout + self.shutdown_timeout + _OUTAGE + _MARGIN

    def rest(self) -> dict[str, Json]:
        """What the child needs to know a little later."""
        return {"modules": [[name, path] for name, path in self.modules], "secrets": list(self.secrets)}

    def told(self, mark: str, *, complete: bool) -> dict[str, Json]:
        """What the child needs to know to begin."""
        return {
            **(self.rest() if complete else {}),
            "complete": complete,
            "project": str(self.project),
            "target": self.target,
            "factory": self.factory,
            "import_root": str(self.import_root),
            "cwd": str(self.cwd),
            "env": [[name, value] for name, value in self.env],
            "allow": list(self.allow),
            "import_timeout": self.import_timeout,
            "startup_timeout": self.startup_timeout,
            "request_timeout": self.request_timeout,
            "shutdown_timeout": self.shutdown_timeout,
            "probe": self.probe,
            "migration": asdict(self.migration) if self.migration else None,
            "trials": to_json(self.trials),
            "urls": [[name, url] for name, url in self.urls],
            "sample_seconds": self.sample_seconds,
            "mark": mark,
        }
