from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.facts import Facts
from pytest_asyncdb.facts.app import AppNotFoundError, find_app
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.sources.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Files = Mapping[str, str | bytes]


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Files], Project]:
    """Writes files below a fresh directory: the project."""

    def write(files: Files) -> Project:
        for name, content in files.items():
            target = tmp_path / "project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Project(tmp_path / "project")

    return write


@pytest.fixture
def facts(project: Callable[[Files], Project]) -> Callable[..., Facts]:
    """The facts about a project of these files; ``boot`` is what a boot of it saw."""

    def about(files: Files, boot=None, **settings) -> Facts:
        made = project(files)
        asked = Settings(made.root, **settings)
        try:
            app = find_app(made, asked)
        except AppNotFoundError:
            app = None
        return Facts(made, asked, app, lambda: (boot, "" if boot else "not booted"))

    return about
