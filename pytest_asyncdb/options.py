"""Settings from option, environment, ini and default, in that order; wrong values name where they were read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.model.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", ".env")
_SEVERITIES = ("blocks", "latent", "advice")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's text and where it was read, for error messages."""

    text: str
    source: str


def settings_of(config: pytest.Config) -> Settings:
    """All settings of the run.

    Raises:
        pytest.UsageError: a value cannot be used; the message names the option, variable or ini setting.
    """
    root = project_root(config)
    app, cwd = _value(config, "app"), _value(config, "cwd")
    defaults = Settings(root)
    fail_on = _value(config, "fail_on")
    migrations = _value(config, "migrations")
    return Settings(
        root=root,
        app=app.text if app else None,
        app_source=app.source if app else defaults.app_source,
        cwd=_directory(root, cwd) if cwd else None,
        env=_environment(config),
        allow=_ports(_value(config, "allow")),
        postgres=requests_of(config)[0],
        extensions=_extensions(_value(config, "extensions")),
        import_timeout=_seconds(config, "import_timeout", defaults.import_timeout),
        startup_timeout=_seconds(config, "startup_timeout", defaults.startup_timeout),
        request_timeout=_seconds(config, "request_timeout", defaults.request_timeout),
        shutdown_timeout=_seconds(config, "shutdown_timeout", defaults.shutdown_timeout),
        migrate_timeout=_seconds(config, "migrate_timeout", defaults.migrate_timeout),
        migrations=_one_of(migrations, ("run", "skip")) if migrations else defaults.migrations,
        fail_on=_one_of(fail_on, _SEVERITIES) if fail_on else defaults.fail_on,
    )


def requests_of(config: pytest.Config) -> tuple[str, ...]:
    """The servers that are asked for: one, or several to run the fixtures' tests on each.

    Raises:
        pytest.UsageError: one of several means nothing. Of a single one its provider says so, when it is needed.
    """
    from pytest_asyncdb.postgres.request import AUTO, UnknownProviderError, parse_requests

    value = _value(config, "postgres")
    if value is None or "," not in value.text:
        return (value.text if value else AUTO,)
    try:
        return parse_requests(value.text)
    except UnknownProviderError as error:
        raise pytest.UsageError(f"{value.source}: {error}") from None


def skips_without_server(config: pytest.Config) -> bool:
    """Whether tests that need a server are skipped where none can be had; never in CI, where nobody would see it.

    Raises:
        pytest.UsageError: the setting has a value that it cannot have.
    """
    value = _value(config, "no_server")
    skips = value is not None and _one_of(value, ("fail", "skip")) == "skip"
    return skips and os.environ.get("CI", "").lower() in {"", "0", "false"}


def keep_minutes(config: pytest.Config) -> float:
    """How long a server of ours outlives the run, when that is asked for.

    Raises:
        pytest.UsageError: the setting has a value that it cannot have.
    """
    return _seconds(config, "keep_minutes", 30.0, "minutes")


def escapes(config: pytest.Config) -> str:
    """``fail`` or ``warn``: what becomes of a test that leaves something behind.

    Raises:
        pytest.UsageError: the setting has a value that it cannot have.
    """
    value = _value(config, "escapes")
    return _one_of(value, ("fail", "warn")) if value else "fail"


def project_root(config: pytest.Config) -> Path:
    """The project: the nearest directory with a dependency file, from the invocation's up to pytest's rootdir."""
    top = config.rootpath.resolve()
    here = config.invocation_params.dir.resolve()
    if not here.is_relative_to(top):
        return top
    for directory in (here, *here.parents):
        if directory == top or any((directory / name).is_file() for name in _PROJECT_FILES):
            return directory
    return top


def _value(config: pytest.Config, name: str) -> Value | None:
    option = getattr(config.known_args_namespace, f"asyncdb_{name}", None)
    if option:
        return Value(option, f"--asyncdb-{name.replace('_', '-')}")
    variable = f"PYTEST_ASYNCDB_{name.upper()}"
    if os.environ.get(variable):
        return Value(os.environ[variable], variable)
    ini = config.getini(f"asyncdb_{name}")
    return Value(str(ini), f"asyncdb_{name} in {_file(config)}") if ini else None


def _file(config: pytest.Config) -> str:
    """The file of the settings, as short as it can be named from where pytest was started."""
    path, here = config.inipath, config.invocation_params.dir
    if path is None:
        return "the ini file"
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def nearest(word: str, words: Iterable[str]) -> str:
    """The end of a message about a word that is not known: the known one that is meant, if there is one."""
    from difflib import get_close_matches

    found = get_close_matches(word, [one for one in words if one], 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _text(config: pytest.Config, name: str) -> str | None:
    value = _value(config, name)
    return value.text if value else None


def _seconds(config: pytest.Config, name: str, default: float, unit: str = "seconds") -> float:
    value = _value(config, name)
    if value is None:
        return default
    try:
        number = float(value.text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise pytest.UsageError(f"{value.source}: {value.text!r} is no number of {unit} above 0")
    return number


def _one_of(value: Value, words: tuple[str, ...]) -> str:
    if value.text not in words:
        near = nearest(value.text, words)
        raise pytest.UsageError(f"{value.source}: {value.text!r} is none of {', '.join(words)}{near}")
    return value.text


def _ports(value: Value | None) -> tuple[int, ...]:
    """Ports of ``localhost:6379, 127.0.0.1:1025``."""
    found = []
    for one in re.split(r"[\s,]+", value.text.strip()) if value else ():
        match = re.fullmatch(r"(?:localhost|127\.0\.0\.1|\[::1\]):(?P<port>\d{1,5})", one)
        if match is None:
            raise pytest.UsageError(
                f"{value.source if value else ''}: {one!r} is no service on this machine; it takes localhost:PORT. "
                "Other machines are never reached during a check"
            )
        found.append(int(match["port"]))
    return tuple(found)


def _extensions(value: Value | None) -> tuple[str, ...]:
    from pytest_asyncdb.postgres.request import parse_extensions

    try:
        return parse_extensions(value.text) if value else ()
    except ValueError as error:
        raise pytest.UsageError(f"{value.source if value else ''}: {error}") from None


def _directory(root: Path, value: Value) -> Path:
    path = (root / value.text).resolve()
    if not path.is_dir():
        from pytest_asyncdb.sources.project import Project

        raise pytest.UsageError(f"{value.source}: {path} is no directory{nearest(value.text, Project(root).folders)}")
    return path


def _environment(config: pytest.Config) -> tuple[tuple[str, str], ...]:
    """Each variable from the command line, else from the environment, else from the ini file."""
    given = (
        ("asyncdb_env", config.getini("asyncdb_env")),
        ("PYTEST_ASYNCDB_ENV", os.environ.get("PYTEST_ASYNCDB_ENV", "").splitlines()),
        ("--asyncdb-env", config.known_args_namespace.asyncdb_env),
    )
    found: dict[str, str] = {}
    for source, lines in given:
        for line in filter(None, map(str.strip, lines)):
            name, equals, value = line.partition("=")
            if not equals or not name.strip().isidentifier():
                raise pytest.UsageError(f"{source}: each line is NAME=value; one has no `=`, or no name before it")
            found[name.strip()] = value.strip()
    return tuple(found.items())
