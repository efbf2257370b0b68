"""What the user asked for, resolved from option, environment, ini and default, in that order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The run's settings. Times are in seconds."""

    root: Path
    """The project: absolute, symlinks resolved."""
    app: str | None = None
    """``module:attribute`` of the app or factory, when the user named it."""
    app_source: str = "asyncdb_app"
    """Where the user named it: an option, a variable of the environment, or the setting of a file."""
    cwd: Path | None = None
    """Directory the app is started from, when the user named it."""
    env: tuple[tuple[str, str], ...] = ()
    """Extra environment for the app, from ``asyncdb_env``."""
    allow: tuple[int, ...] = ()
    """Ports of services on this machine that the app may reach."""
    postgres: str = "auto"
    """``auto``, ``embedded``, ``docker``, ``local`` or a URL."""
    extensions: tuple[str, ...] = ()
    """Extensions that the server must have."""
    import_timeout: float = 30.0
    startup_timeout: float = 15.0
    request_timeout: float = 10.0
    shutdown_timeout: float = 10.0
    migrate_timeout: float = 60.0
    migrations: str = "run"
    """``run`` or ``skip``: whether the project's migrations upgrade the database before the app is asked."""
    server_timeout: float = 60.0
    prove: bool = True
    """Whether fixes are applied to a copy and that copy booted."""
    samples: bool = True
    """Whether the project's own code that makes URLs is tried with those that providers hand out."""
    fail_on: str = "blocks"
    """Lowest severity that fails a check: ``blocks``, ``latent`` or ``advice``."""
    python: str = field(default="")
    """Interpreter of the sandbox; empty means the running one."""
