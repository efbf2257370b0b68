"""Settings that a checkout lacks and its example files name: ``.env.example`` and its spellings."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sources.project import Project


@dataclass(frozen=True, slots=True)
class Filled:
    """What the app got besides its own environment: from example files, and made up. Values may be secret."""

    from_files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Paths of example files, each with the names that were taken from it."""
    values: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    made_up: tuple[str, ...] = ()
    """Names whose values were made up from their types."""

    def notes(self) -> Iterator[str]:
        """Name the settings, never their values."""
        for path, names in self.from_files:
            yield f"settings filled in from {path}: {', '.join(names)}"
        if self.made_up:
            number = f"{len(self.made_up)} setting{'s' if len(self.made_up) > 1 else ''}"
            yield (
                f"{number} made up, because there is no .env: {', '.join(self.made_up)} (`asyncdb_env` gives real ones)"
            )

    @property
    def invented(self) -> tuple[tuple[str, str], ...]:
        """What was made up: another tree of the same project has its own example files, and needs no more than this."""
        return tuple(pair for pair in self.values if pair[0] in self.made_up)

    def with_made_up(self, values: dict[str, str]) -> Filled:
        """The same with further values, which win over those of a file."""
        rest = tuple(pair for pair in self.values if pair[0] not in values)
        names = tuple(dict.fromkeys((*self.made_up, *values)))
        files = tuple((path, tuple(one for one in told if one not in values)) for path, told in self.from_files)
        return Filled(tuple(one for one in files if one[1]), (*rest, *values.items()), names)


def has_env_file(project: Project, app: App) -> bool:
    """Whether somebody gave this checkout its settings: a real ``.env`` stands where the app reads one."""
    from pytest_asyncdb.facts.envfiles import env_files_read
    from pytest_asyncdb.facts.written import is_example

    if any(project.exists(f"{folder}/.env".lstrip("/")) for folder in _folders(app)):
        return True
    if any(not is_example(str(path)) for path in env_files_read(project, app)):
        return True
    near = (path for path in project.env_files if path.rpartition("/")[0] in _folders(app))
    return any(not is_example(path) and ".local" in path for path in near)


def secrets_elsewhere(project: Project, app: App) -> tuple[str, ...]:
    """What is secret in ``.env`` files outside the project that the app reads: for redactors, never for a person."""
    from pytest_asyncdb.facts.envfiles import env_files_read
    from pytest_asyncdb.sources.decode import decode
    from pytest_asyncdb.sources.dotenv import entries
    from pytest_asyncdb.urls.redact import secrets_of

    found: dict[str, None] = {}
    for path in env_files_read(project, app):
        if not path.resolve().is_relative_to(project.root.resolve()) and os.access(path, os.R_OK):
            for entry in entries(decode(path.read_bytes())[0]):
                found.update(dict.fromkeys(secrets_of(entry.key, entry.value)))
    return tuple(found)


def filled_in(project: Project, app: App, settings: Settings) -> Filled:
    """Read the examples of a checkout that has no real ``.env``, as a newcomer would copy them.

    The nearest file comes first, others add what it lacks; one that lies elsewhere counts when the project's modules
    mention one of its names.

    Args:
        project: whose files are read.
        app: where it starts and where its modules are imported from.
        settings: what the user gives is not filled in.

    Returns:
        What neither the environment nor the user gives.
    """
    given = {name for name, _ in settings.env} | os.environ.keys()
    values: dict[str, str] = {}
    files: list[tuple[str, tuple[str, ...]]] = []
    paths = _examples(project, app)
    for path in () if not paths or has_env_file(project, app) else paths:
        new = {name: value for name, value in _values(project.text(path)) if name not in values and name not in given}
        if new and (path.rpartition("/")[0] in _folders(app) or _is_mentioned(project, new)):
            values.update(new)
            files.append((path, tuple(new)))
    return Filled(tuple(files), tuple(values.items()))


def _folders(app: App) -> tuple[str, ...]:
    return tuple(dict.fromkeys("" if one == "." else one for one in (app.cwd, app.import_root, ".")))


def _examples(project: Project, app: App) -> list[str]:
    """Example files, those next to the app first."""
    from pytest_asyncdb.facts.written import is_example

    order = {folder: rank for rank, folder in enumerate(_folders(app))}

    def key(path: str) -> tuple[int, int, int, str]:
        return order.get(path.rpartition("/")[0], len(order)), path.count("/"), len(path), path

    found = [path for path in project.env_files if is_example(path)]
    return sorted(found, key=key)


def _is_mentioned(project: Project, names: dict[str, str]) -> bool:
    wanted = [name.lower().encode() for name in names]
    return any(
        any(name in data for name in wanted)
        for path in project.python_files
        if (data := (project.data(path) or b"").lower())
    )


def _values(text: str) -> Iterator[tuple[str, str]]:
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(text))
    return ((name, value) for name, value in found.items() if value and not _is_blank(value))


def _is_blank(value: str) -> bool:
    """Whether a value says what to write in its place: ``<your key>``; a URL with such parts is one all the same."""
    return "://" not in value and re.search(r"<[^<>\s][^<>]*>", value) is not None
