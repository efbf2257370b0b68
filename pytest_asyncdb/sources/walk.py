"""Which files a project consists of, by git where there is git, by walking the tree where there is none."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_asyncdb.sources.leftout import LeftOut, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

INSTALLED = "installed packages"
CACHES = "caches and build outputs"
ENVIRONMENTS = "virtual environments"
SKIPPED = {
    **dict.fromkeys(("node_modules", "bower_components", "site-packages", "dist-packages"), INSTALLED),
    **dict.fromkeys((".git", ".hg", ".svn", ".jj", "__pycache__"), ""),
    **dict.fromkeys((".venv", ".pixi", "__pypackages__"), ENVIRONMENTS),
    **dict.fromkeys(
        (
            ".tox", ".nox", ".direnv", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache",
            ".hypothesis", ".ipynb_checkpoints", ".import_linter_cache", ".terraform", ".next", ".nuxt", "_build",
            "htmlcov", "cdk.out", ".aws-sam", ".serverless",
        ),
        CACHES,
    ),
}  # fmt: skip
"""Folders by name, and what they hold; of version control and bytecode nobody has to be told."""
_BUILT = re.compile(r"(?:^|.*/)(?:build/(?:lib|bdist\.[^/]*|temp\.[^/]*)|[^/]+\.egg-info)(?=/)")
_INTERPRETER_FOLDERS = re.compile(r"(.*?)(?:^|/)(?:[Ll]ib(?:64)?/(?:python[\d.]+/)?site-packages)/")
_ACTIVATE = re.compile(r"(?P<environment>.+/)(?:bin|Scripts)/activate")
_BESIDE_ACTIVATE = ("bin/activate.csh", "bin/activate.fish", "bin/python", "bin/pip", "Scripts/activate.bat")
_ENV_DEPTH = 3
_GIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """The project's files: POSIX paths relative to its root, which of them git tracks, and what is left out."""

    files: tuple[str, ...]
    tracked: frozenset[str]
    by_git: bool
    left_out: tuple[LeftOut, ...] = ()


def list_files(root: Path) -> Listing:
    """List the files of the project, leaving out virtualenvs, installed packages, caches and version control.

    Files that git ignores are left out, but for ``.env`` files: those configure the app.
    """
    listed = _git_files(root)
    names, tracked = (tuple(_scan(root)), frozenset[str]()) if listed is None else listed
    environments = _environments(root, names)
    kept: set[str] = set()
    left_out: list[tuple[str, str]] = []
    for name in names:
        reason = _reason(name, environments)
        if reason is None:
            kept.add(name)
        elif reason[0]:
            left_out.append(reason)
    kept.update(_ignored_env_files(root, kept, environments))
    return Listing(tuple(sorted(kept)), tracked, listed is not None, counted(left_out))


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


def _scan(root: Path) -> Iterator[str]:
    """Walk without following links, so that no circle of them is walked for ever; what can't be listed is skipped."""
    waiting = [(str(root), "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError:
            continue
        if prefix and any(entry.name == "pyvenv.cfg" for entry in entries):
            yield f"{prefix}pyvenv.cfg"  # tells where a virtualenv is; left out afterwards
            continue
        for entry in entries:
            if not _is_folder(entry):
                yield prefix + entry.name
            elif entry.name in SKIPPED:
                yield f"{prefix}{entry.name}/"  # no file, told as left out afterwards
            else:
                waiting.append((entry.path, f"{prefix}{entry.name}/"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _environments(root: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Folders of virtualenvs, as prefixes: with a pyvenv.cfg, or holding installed packages, or the active one."""
    found = {name.removesuffix("pyvenv.cfg") for name in names if name.endswith("/pyvenv.cfg")}
    found.update(name.removesuffix("conda-meta/history") for name in names if name.endswith("/conda-meta/history"))
    for name in names:
        match = _INTERPRETER_FOLDERS.match(name) if "site-packages" in name else None
        if match and match[1]:
            found.add(f"{match[1]}/")
    activating = [match for name in names if name.endswith("/activate") and (match := _ACTIVATE.fullmatch(name))]
    present = frozenset(names) if activating else frozenset()
    for match in activating:
        if any(match["environment"] + beside in present for beside in _BESIDE_ACTIVATE):
            found.add(match["environment"])
    active = os.environ.get("VIRTUAL_ENV", "")
    if active.startswith(f"{root}{os.sep}"):
        found.add(PurePosixPath(os.path.relpath(active, root)).as_posix() + "/")
    return tuple(sorted(found))


def _reason(name: str, environments: tuple[str, ...]) -> tuple[str, str] | None:
    """What a file belongs to that is left out, and that folder; None for a file of the project."""
    if environments and name.startswith(environments):
        return ENVIRONMENTS, next(one for one in environments if name.startswith(one))
    if not SKIPPED.keys().isdisjoint(name.split("/")[:-1]):
        parts = name.split("/")
        depth = next(depth for depth, part in enumerate(parts) if part in SKIPPED)
        return SKIPPED[parts[depth]], "/".join(parts[: depth + 1]) + "/"
    built = _BUILT.match(name) if "build/" in name or ".egg-info/" in name else None
    if built:
        return CACHES, f"{built[0]}/"
    return ("", "") if name.endswith((".pyc", ".pyo")) else None


def _ignored_env_files(root: Path, kept: Iterable[str], environments: tuple[str, ...]) -> list[str]:
    present = frozenset(kept)
    folders = {""}
    for folder in {name.rpartition("/")[0] for name in present}:
        parts = folder.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, min(len(parts), _ENV_DEPTH) + 1))
    found = []
    for folder in folders:
        prefix = f"{folder}/" if folder else ""
        try:
            with os.scandir(root / folder) as entries:
                names = [prefix + entry.name for entry in entries if is_env_file(entry.name, folder)]
        except OSError:
            continue
        found += [
            path
            for path in names
            if path not in present and not path.startswith(environments) and (root / path).is_file()
        ]
    return found


def is_env_file(name: str, folder: str) -> bool:
    """Whether the file is one of the ``.env`` family: ``.env.local``, ``prod.env``, ``env.example``, ``.envs/pg``."""
    if name.endswith((".py", ".ts", ".js", ".d.ts", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ".mako")):
        return False
    plain = name.lower()
    return (
        plain.startswith((".env", "env.", "dotenv", ".dotenv"))
        or plain.endswith((".env", ".env.example", ".env.sample", ".env.template"))
        or plain in {"env_example", "env-example", "env_sample", "env-sample"}
        or ".envs" in folder.split("/")
    )
