"""Whole runs of pytest as a user starts them, on copies of the example apps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

APPS = Path(__file__).parents[2] / "examples" / "apps"
SECONDS = 120


@dataclass(frozen=True)
class Run:
    """A finished pytest."""

    code: int
    output: str

    def says(self, *texts: str) -> None:
        for text in texts:
            assert text in self.output, f"{text!r} is not in:\n{self.output}"


@dataclass(frozen=True)
class UserProject:
    """A copy of an example app in a directory of its own, held by git."""

    root: Path

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_bytes().decode()
        assert old in text
        (self.root / path).write_bytes(text.replace(old, new).encode())

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(self) -> None:
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", "state")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]

    def environment(self, **extra: str) -> dict[str, str]:
        dropped = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return {**kept, "COLUMNS": "80", "PYTHONWARNINGS": "ignore", **extra}

    def pytest(self, *arguments: str, **extra: str) -> Run:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback (most recent call last)" not in done.stdout, done.stdout
        return Run(done.returncode, done.stdout)


@pytest.fixture
def user_project(tmp_path: Path):
    def make(name: str) -> UserProject:
        root = tmp_path / name
        shutil.copytree(APPS / name, root, ignore=shutil.ignore_patterns("__pycache__"))
        project = UserProject(root)
        project.git("init", "-q")
        project.commit()
        return project

    return make


@pytest.fixture
def new_project(tmp_path) -> UserProject:
    """An empty directory."""
    return UserProject(tmp_path / "new")


@pytest.fixture
def healthy(user_project) -> UserProject:
    return user_project("audited_backend_fixed")


@pytest.fixture
def broken(user_project) -> UserProject:
    return user_project("audited_backend")
