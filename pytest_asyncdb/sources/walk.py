"""Which files a project consists of, by git where there is git, by walking the tree where there is none."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SKIPPED = frozenset(
    {
        "__pycache__", "node_modules", "bower_components", "site-packages", "dist-packages", ".git", ".hg", ".svn",
        ".jj", ".tox", ".nox", ".venv", ".direnv", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache",
        ".hypothesis", ".ipynb_checkpoints", ".import_linter_cache", ".terraform", ".next", ".nuxt", ".pixi",
    }
)  # fmt: skip
_OPEN_DOT_FOLDERS = frozenset({".devcontainer", ".docker", ".envs", ".vscode", ".deploy"})
_TEMPLATES = frozenset({"templates", "template", "project_template", "skeleton", "scaffold"})
_INTERPRETER_FOLDERS = re.compile(r"(.*?)(?:^|/)(?:[Ll]ib(?:64)?/(?:python[\d.]+/)?site-packages)/")
_ENV_DEPTH = 3
_GIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """The project's files: POSIX paths relative to its root, and which of them git tracks."""

    files: tuple[str, ...]
    tracked: frozenset[str]
    by_git: bool


def list_files(root: Path) -> Listing:
    """List the files of the project, leaving out virtualenvs, installed packages, caches and version control.

    Files that git ignores are left out, but for ``.env`` files: those configure the app.
    """
    listed = _git_files(root)
    if listed is None:
        names, tracked = tuple(_scan(root, "")), frozenset[str]()
    else:
        names, tracked = listed
    environments = _environments(root, names)
    kept = {name for name in names if not _is_skipped(name) and not name.startswith(environments)}
    kept.update(_ignored_env_files(root, kept, environments))
    return Listing(tuple(sorted(kept)), tracked, listed is not None)


def worth_reading(files: Iterable[str]) -> tuple[str, ...]:
    """Leave out what is no source of this project: templates of other projects, vendored agents' folders."""
    names = tuple(files)
    packages = {name.rpartition("/")[0] for name in names if name.endswith("/__init__.py")}
    return tuple(name for name in names if not _is_foreign(name, packages))


def _git_files(root: Path) -> tuple[tuple[str, ...], frozenset[str]] | None:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", str(root)]
    command += ["ls-files", "-z", "-t", "--cached", "--deleted", "--others", "--exclude-standard"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_GIT_SECONDS, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None
    entries = [entry.partition(" ") for entry in os.fsdecode(done.stdout).split("\0") if entry]
    removed = {name for status, _, name in entries if status == "R"}
    tracked = frozenset(name for status, _, name in entries if status not in "?R") - removed
    untracked = {name for status, _, name in entries if status == "?"}
    return tuple(tracked | untracked), tracked


def _scan(folder: Path | str, prefix: str) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries):
        return
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield prefix + entry.name
        elif entry.name == "site-packages":
            yield f"{prefix}site-packages/"  # tells where a virtualenv is; no file, left out afterwards
        elif entry.name not in SKIPPED:
            yield from _scan(entry.path, f"{prefix}{entry.name}/")


def _environments(root: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Folders of virtualenvs, as prefixes: with a pyvenv.cfg, or holding installed packages, or the active one."""
    found = {name.removesuffix("pyvenv.cfg") for name in names if name.endswith("/pyvenv.cfg")}
    for name in names:
        match = _INTERPRETER_FOLDERS.match(name) if "site-packages" in name else None
        if match and match[1]:
            found.add(f"{match[1]}/")
    active = os.environ.get("VIRTUAL_ENV", "")
    if active.startswith(f"{root}{os.sep}"):
        found.add(PurePosixPath(os.path.relpath(active, root)).as_posix() + "/")
    return tuple(sorted(found))


def _is_skipped(name: str) -> bool:
    return name.endswith((".pyc", ".pyo")) or not SKIPPED.isdisjoint(name.split("/")[:-1])


def _ignored_env_files(root: Path, kept: set[str], environments: tuple[str, ...]) -> Iterator[str]:
    folders = {""}
    for name in kept:
        parts = name.split("/")[:-1]
        folders.update("/".join(parts[:depth]) for depth in range(1, min(len(parts), _ENV_DEPTH) + 1))
    for folder in folders:
        prefix = f"{folder}/" if folder else ""
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        for entry in entries:
            path = prefix + entry.name
            if is_env_file(path) and path not in kept and not path.startswith(environments) and entry.is_file():
                yield path


def is_env_file(path: str) -> bool:
    """Whether the file is one of the ``.env`` family: ``.env.local``, ``prod.env``, ``env.example``, ``.envs/pg``."""
    folder, _, name = path.rpartition("/")
    if name.endswith((".py", ".ts", ".js", ".d.ts", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ".mako")):
        return False
    plain = name.lower()
    return (
        plain.startswith((".env", "env.", "dotenv", ".dotenv"))
        or plain.endswith((".env", ".env.example", ".env.sample", ".env.template"))
        or plain in {"env_example", "env-example", "env_sample", "env-sample"}
        or ".envs" in folder.split("/")
    )


def _is_foreign(name: str, packages: set[str]) -> bool:
    parts = name.split("/")[:-1]
    for depth, part in enumerate(parts):
        if part.startswith(".") and part not in _OPEN_DOT_FOLDERS:
            return True
        if "{{" in part or "cookiecutter" in part.lower():
            return True
        if part in _TEMPLATES and not _all_packages(parts, depth, packages):
            return True
    return False


def _all_packages(parts: list[str], depth: int, packages: set[str]) -> bool:
    """Whether a folder named like a template is a package of the app all the way down."""
    return all("/".join(parts[:end]) in packages for end in range(depth + 1, len(parts) + 1))
