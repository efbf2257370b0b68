"""Settings that a checkout lacks and its ``.env.example`` names."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sources.project import Project


@dataclass(frozen=True, slots=True)
class Filled:
    """What an example file gives where nothing else does: its path, and names with values."""

    path: str
    values: tuple[tuple[str, str], ...] = field(repr=False)

    def __str__(self) -> str:
        """Name the settings; values may be secret."""
        return f"settings filled in from {self.path}: {', '.join(name for name, _ in self.values)}"


def filled_in(project: Project, app: App, settings: Settings) -> Filled | None:
    """Read the example next to which no real ``.env`` stands, as a newcomer would copy it.

    Args:
        project: whose files are read.
        app: where it starts and where its modules are imported from.
        settings: what the user gives is not filled in.

    Returns:
        What neither the environment nor the user gives, or None when there is nothing to fill in.
    """
    folders = tuple(dict.fromkeys("" if one == "." else one for one in (app.cwd, app.import_root, ".")))
    if any(project.exists(f"{one}/.env".lstrip("/")) for one in folders):
        return None
    from pytest_asyncdb.facts.written import is_example

    near = [path for path in project.env_files if path.rpartition("/")[0] in folders]
    if any(not is_example(path) for path in near):
        return None
    order = {folder: rank for rank, folder in enumerate(folders)}
    for path in sorted(near, key=lambda one: (order[one.rpartition("/")[0]], len(one), one)):
        values = _values(project.text(path), {name for name, _ in settings.env} | os.environ.keys())
        if values:
            return Filled(path, values)
    return None


def _values(text: str, given: set[str]) -> tuple[tuple[str, str], ...]:
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(text))
    return tuple((name, value) for name, value in found.items() if value and name not in given)
