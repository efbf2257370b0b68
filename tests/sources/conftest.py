from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Files = Mapping[str, str | bytes]


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Files], Path]:
    """Writes files below a fresh directory and returns it."""

    def write(files: Files) -> Path:
        root = tmp_path / "project"
        for name, content in files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        root.mkdir(exist_ok=True)
        return root

    return write


@pytest.fixture
def git() -> Callable[..., None]:
    """Runs git in a directory, untouched by the machine's own configuration."""

    def run(root: Path, *arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *identity, "-C", str(root), *arguments], check=True, capture_output=True)

    return run
