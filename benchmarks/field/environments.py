"""Checkouts and virtual environments from a folder of bare mirrors.

A checkout is ``git archive COMMIT``, whole. An environment has everything the checkout declares, then the plugin.
Where an honest install fails on today's registry, the same steps are taken for every project, each one told:

1. what is declared, held to the versions of its lock file if it has one;
2. the same without the pins that cannot be had (no such version, or it cannot be built here);
3. the same with only what had been published on the day of the commit;
4. the same without the requirement that cannot be installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from field import requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from field.lists import Case

OLDEST_PYTEST = 8
SUPPORTED = ("3.13", "3.12", "3.11")
_UNBUILDABLE = re.compile(r"(?:Failed to (?:build|download|fetch)|Failed building wheel for) [`']?(?P<name>[\w.-]+)")
_ABSENT = re.compile(
    r"(?:there (?:is|are) no (?:wheels? (?:for|with)|version(?:s)? of) |Because |No matching distribution found for |"
    r"and )(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?(?:[=<>!~ ]| was not found| has no)"
)
_BECAUSE = re.compile(r"because [`'](?P<name>[\w.-]+)[`'] \(v")
_ATTEMPTS = 12


@dataclass
class Preparation:
    """What was made for one case, and what had to be given up on the way."""

    case: Case
    checkout: Path
    venv: Path
    python: str = ""
    told: list[str] = field(default_factory=list)
    failed: str = ""


@dataclass(frozen=True)
class Installer:
    """uv where there is one, else pip."""

    uv: str | None

    def create(self, venv: Path, python: str) -> str:
        """Make an environment; the error's text, or nothing."""
        if self.uv:
            return _run([self.uv, "venv", "--quiet", "--allow-existing", "--python", python, str(venv)])
        name = f"python{python}"
        return _run([shutil.which(name) or sys.executable, "-m", "venv", str(venv)])

    def install(self, venv: Path, arguments: Sequence[str]) -> str:
        """Install into it; the error's text, or nothing."""
        python = str(venv / "bin" / "python")
        if self.uv:
            return _run([self.uv, "pip", "install", "--quiet", "--python", python, *arguments])
        return _run([python, "-m", "pip", "install", "--quiet", *arguments])

    def installed(self, venv: Path) -> dict[str, str]:
        """Give name and version of what is there."""
        python = str(venv / "bin" / "python")
        code = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        return {_name(name): version for name, version in (line.split(" ", 1) for line in done.stdout.splitlines())}


@dataclass(frozen=True)
class Folders:
    """Where things come from and where they are made."""

    mirrors: Path
    checkouts: Path
    venvs: Path
    plugin: Path
    """The tree of the plugin that is installed, editable."""


def prepare(case: Case, folders: Folders, installer: Installer) -> Preparation:
    """Make checkout and environment of one case, unless they are there."""
    made = Preparation(case, folders.checkouts / case.name, folders.venvs / case.name)
    git = mirror_of(case, folders.mirrors)
    if git is None:
        made.failed = f"no mirror of {case.repo} in {folders.mirrors}"
    elif not _has_commit(git, case.commit):
        made.failed = f"the mirror of {case.repo} does not have {case.commit[:8]}"
    else:
        made.failed = _check_out(git, case.commit, made.checkout)
        if not made.failed and not (made.venv / "ready").is_file():
            _environment(made, _date(git, case.commit), folders.plugin, installer)
    return made


def mirror_of(case: Case, mirrors: Path) -> Path | None:
    """Find the mirror of a repository: ``OWNER+NAME``, ``OWNER/NAME`` or ``NAME``, bare or a clone."""
    for name in (case.repo.replace("/", "+"), case.repo, f"{case.repo}.git", case.repo.rsplit("/", 1)[-1]):
        for inner in ("", "repo", ".git", "repo/.git"):
            path = mirrors / name / inner
            if (path / "objects").is_dir() and (path / "HEAD").is_file():
                return path
    return None


def _has_commit(git: Path, commit: str) -> bool:
    return not _run(["git", f"--git-dir={git}", "cat-file", "-e", f"{commit}^{{commit}}"])


def _date(git: Path, commit: str) -> str:
    command = ["git", f"--git-dir={git}", "show", "--no-patch", "--format=%cI", commit]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _check_out(git: Path, commit: str, into: Path) -> str:
    """Make a checkout, unless it is there; why there is none, or nothing."""
    if (into.parent / f"{into.name}.part").exists():
        shutil.rmtree(into.parent / f"{into.name}.part")
    if into.is_dir():
        return ""
    part = into.parent / f"{into.name}.part"
    part.mkdir(parents=True)
    with tempfile.TemporaryFile() as archive:
        command = ["git", f"--git-dir={git}", "archive", "--format=tar", commit]
        done = subprocess.run(command, stdout=archive, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            return f"the mirror does not have all of {commit[:8]}: {done.stderr.strip()[-200:]}"
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(part, filter="tar")
    part.rename(into)
    return ""


def _environment(made: Preparation, date: str, plugin: Path, installer: Installer) -> None:
    declaration = requirements.read(made.checkout, made.case.subdir)
    said = requirements.python_range(made.checkout, made.case.subdir)
    made.python = choose_python(made.case.python, said, date)
    if said and not _fits(made.python, said):
        made.told.append(f"python {said} is asked for: {made.python} is the nearest that is supported")
    shutil.rmtree(made.venv, ignore_errors=True)
    made.failed = installer.create(made.venv, made.python)
    if made.failed:
        return
    if not declaration.files:
        made.told.append("nothing is declared and nothing imported")
    _declared(made, declaration, date, installer)
    if not made.failed:
        _plugin(made, declaration, plugin, installer)
    if not made.failed:
        (made.venv / "ready").write_text("\n".join(made.told), encoding="utf-8")


def _declared(made: Preparation, declaration: requirements.Declaration, date: str, installer: Installer) -> None:
    lines, pins = declaration.lines, list(declaration.pins)
    newest: list[str] = []
    for _ in range(_ATTEMPTS):
        error = _attempt(made.venv, lines, pins, newest, installer) if lines else ""
        if not error:
            return
        culprits = _culprits(error, pins) or _culprits(error, lines)
        pinned = [pin for pin in pins if _name(pin) in culprits]
        asked = [line for line in lines if _name(line) in culprits]
        if pinned:
            pins = [pin for pin in pins if pin not in pinned]
            made.told.append(f"not held to the lock file: {', '.join(pinned)}")
        elif not newest and installer.uv:
            newest = ["--exclude-newer", date]
            made.told.append(f"only what was published before the commit ({date[:10]})")
        elif asked:
            lines = [line for line in lines if line != asked[0]]
            made.told.append(f"left out, it cannot be installed: {asked[0]}")
        else:
            break
    made.failed = f"the declared requirements cannot be installed: {error[-600:]}"


def _attempt(venv: Path, lines: list[str], pins: list[str], more: list[str], installer: Installer) -> str:
    asked, held = venv / "declared.txt", venv / "locked.txt"
    asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
    held.write_text("\n".join(pins) + "\n", encoding="utf-8")
    constraint = ["--constraint", str(held)] if pins else []
    return installer.install(venv, ["--requirement", str(asked), *constraint, *more])


def _plugin(made: Preparation, declaration: requirements.Declaration, plugin: Path, installer: Installer) -> None:
    """Install the plugin beside what is there: without touching it, then what is declared, then as pip would."""
    there = installer.installed(made.venv)
    own = {_name(line) for line in requirements.read(plugin, "").lines}
    named = {_name(line) for line in declaration.lines} & there.keys()
    tools = {name for name in named if name.startswith(("pytest", "packaging"))}
    target = ["--editable", f"{plugin}[embedded]"]
    runner = _same_major(made.venv, there.get("pytest", ""))
    ways = [
        ("", _held(made.venv, "constraint", there, there.keys())),
        ("", [*_held(made.venv, "constraint", there, named - tools), *runner]),
    ]
    if installer.uv:
        told = "the plugin asks for newer versions than the project: the project's stay"
        ways.append((told, [*_held(made.venv, "override", there, (named & own) - tools), *runner]))
    ways.append(("the plugin's requirements won over the project's", []))
    for told, way in ways:
        made.failed = installer.install(made.venv, [*target, *way])
        if not made.failed:
            made.told += [told] if told else []
            break
    now = installer.installed(made.venv)
    moved = [f"{name} {version} -> {now[name]}" for name, version in there.items() if now.get(name, version) != version]
    if moved:
        made.told.append(f"moved by the plugin: {', '.join(sorted(moved))}")


def _held(venv: Path, how: str, there: dict[str, str], names: Iterable[str]) -> list[str]:
    names = sorted(names)
    path = venv / f"{how}-{len(names)}.txt"
    path.write_text("".join(f"{name}=={there[name]}\n" for name in names), encoding="utf-8")
    return [f"--{how}", str(path)]


def _same_major(venv: Path, pytest: str) -> list[str]:
    """Hold pytest to its major version where the plugin has it too: the project's other pytest plugins count on it."""
    major = int(pytest.split(".", 1)[0]) if pytest else 0
    if major < OLDEST_PYTEST:
        return []
    path = venv / "pytest.txt"
    path.write_text(f"pytest<{major + 1}\n", encoding="utf-8")
    return ["--constraint", str(path)]


def choose_python(wanted: str | None, said: str, date: str) -> str:
    """Choose an interpreter: the list's; the newest that the project admits; else one that was a year old then.

    Always the nearest that is supported.
    """
    if wanted:
        minor = ".".join(wanted.split(".")[:2])
        return min(SUPPORTED, key=lambda one: abs(_minor(one) - _minor(minor)))
    if said:
        return next((one for one in SUPPORTED if _fits(one, said)), SUPPORTED[0])
    october = int(date[:4]) - (date[5:7] < "10")  # each October has a new Python: 3.11 that of 2022
    return next((one for one in SUPPORTED if 2011 + _minor(one) < october), SUPPORTED[-1])


def _fits(python: str, said: str) -> bool:
    try:
        return SpecifierSet(said).contains(f"{python}.99") or SpecifierSet(said).contains(f"{python}.0")
    except InvalidSpecifier:
        return True


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _culprits(error: str, lines: list[str]) -> set[str]:
    """Requirements that an installer's message blames; what cannot be built comes before what cannot be found."""
    known = {_name(line) for line in lines}
    for pattern in (_UNBUILDABLE, _BECAUSE, _ABSENT):
        found = {_name(match["name"]) for match in pattern.finditer(error)} & known
        if found:
            return found
    return set()


def _name(line: str) -> str:
    match = re.match(r"[A-Za-z0-9][\w.-]*", line)
    return re.sub(r"[-_.]+", "-", match[0] if match else line).lower()


def _run(command: list[str]) -> str:
    environment = {**os.environ, "UV_PYTHON_PREFERENCE": "only-system", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return "" if done.returncode == 0 else (done.stderr or done.stdout or "failed without a word").strip()
