"""One run of the checks on a copy of a checkout, and the time that importing its app takes in pytest."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from field.lists import Case

_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "pytest.ini", "tox.ini")
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|_KEY$|^KEY|JWT|SALT|PEPPER|CLIENT_ID|DOMAIN|HOSTS", re.IGNORECASE)
_DATABASE = re.compile(r"^(?:ASYNC_|SYNC_|WRITER_|READER_|TEST_)*(?:DATABASE|DB|POSTGRES|PG|SQLALCHEMY)", re.IGNORECASE)
_IMPORT = "import importlib\n\n\ndef test_import():\n    importlib.import_module({module!r})\n"


@dataclass
class Outcome:
    """What one run said; it is written and read as JSON, and scored anew each time."""

    name: str
    commit: str
    mode: str
    seconds: float = 0.0
    cold_seconds: float = 0.0
    """Without any bytecode of the project."""
    import_seconds: float | None = None
    import_cold_seconds: float | None = None
    timed_out: bool = False
    status: int | None = None
    app: str | None = None
    found_in: str = ""
    path: str = ""
    booted: bool = False
    findings: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    judged: int = 0
    criteria: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    """Why there is no report, in the run's own last words."""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Trial:
    """A case with what was made for it."""

    case: Case
    checkout: Path
    venv: Path

    @property
    def ready(self) -> bool:
        """Whether it can be run."""
        return self.checkout.is_dir() and (self.venv / "bin" / "pytest").exists()


@dataclass(frozen=True)
class Variables:
    """What the app is given for the checks, and what it needs to import without them."""

    app: Mapping[str, str]
    everything: Mapping[str, str]


def run(trial: Trial, told: Variables, mode: str, deadline: float, rounds: int) -> Outcome:
    """Run the checks and, ``rounds`` times (0 for not at all), what they are compared with, all in one copy.

    First both run cold, that is without any bytecode of the project, as after a clone; then both run warm, in turns.
    The checks write no bytecode into a project; importing its app does. Of warm runs the fastest counts.
    """
    case = trial.case
    with _copy(trial.checkout) as copy:
        outcome = _check(trial, copy, told.app, mode, deadline)
        if outcome.timed_out or not rounds or case.app is None or not case.boots:
            return outcome
        importing = _Import(trial, copy, told.everything, outcome.path)
        outcome.import_cold_seconds = importing.seconds()
        if outcome.import_cold_seconds is None:
            return outcome
        imports, checks = [], []
        for _ in range(rounds):
            imports.append(importing.seconds())
            checks.append(_check(trial, copy, told.app, mode, deadline).seconds)
        outcome.import_seconds = min((one for one in imports if one is not None), default=None)
        outcome.seconds = min(checks)
    return outcome


def _check(trial: Trial, copy: Path, environment: Mapping[str, str], mode: str, deadline: float) -> Outcome:
    """Run the checks in a copy, with these variables for the app."""
    case = trial.case
    outcome = Outcome(case.name, case.commit, mode)
    report = copy.parent / "report.json"
    report.unlink(missing_ok=True)
    arguments = [f"--asyncdb-report={report}", "--asyncdb-check", "-m", "asyncdb_check"]
    if environment:
        lines = "\n".join(f"{name}={value}" for name, value in environment.items())
        arguments += ["-o", f"asyncdb_env={lines}"]
    started = time.perf_counter()
    outcome.status, said = _pytest(trial.venv, project_folder(copy, case.subdir), arguments, deadline, {})
    outcome.seconds = outcome.cold_seconds = round(time.perf_counter() - started, 2)
    outcome.timed_out = outcome.status is None
    if report.is_file():
        _read(outcome, json.loads(report.read_text(encoding="utf-8")))
    else:
        outcome.error = said.replace(str(copy), "")[-1500:]
    return outcome


class _Import:
    """A pytest run whose only test imports the app, in the first way that works for the project.

    Args:
        trial: the case.
        copy: where it is run.
        environment: variables that the app needs, besides those of its examples.
        path: the module of the app, as the checks found it: tells the folder that it is imported from.
    """

    def __init__(self, trial: Trial, copy: Path, environment: Mapping[str, str], path: str) -> None:
        module = str(trial.case.app).split(":")[0]
        self._venv = trial.venv
        self._folder = copy / trial.case.subdir
        found = project_folder(copy, trial.case.subdir) / path
        depth = module.count(".") + (found.name == "__init__.py")
        root = found.parents[depth] if path else self._folder
        paths = os.pathsep.join(map(str, dict.fromkeys((root, self._folder, copy))))
        values = {**_examples(self._folder), **environment}
        filled = {name: Template(value).safe_substitute(values) for name, value in values.items()}
        self._environment = {**filled, "PYTHONPATH": paths}
        self._text = _IMPORT.format(module=module)
        self._ways = [[], ["--noconftest", "-o", "addopts="]]

    def seconds(self) -> float | None:
        """Time it; None where the app does not import even so."""
        test = self._folder / "test_import_of_the_app.py"
        test.write_text(self._text, encoding="utf-8")
        try:
            while self._ways:
                arguments = ["-q", "-p", "no:asyncdb", *self._ways[0], test.name]
                started = time.perf_counter()
                status, _ = _pytest(self._venv, self._folder, arguments, 120, self._environment)
                if status == 0:
                    return round(time.perf_counter() - started, 2)
                self._ways.pop(0)
        finally:
            test.unlink()
        return None


def _examples(folder: Path) -> dict[str, str]:
    """What a person would copy to ``.env``."""
    found = {}
    for path in sorted({*folder.glob(".env*example*"), *folder.glob(".env*sample*"), *folder.glob("*.env*example*")}):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip().isidentifier():
                found[name.strip()] = value.strip().strip("\"'")
    return found


def project_folder(copy: Path, subdir: str) -> Path:
    """Find where a person would type the command: the nearest folder, from the app's up, with a file of a project."""
    for folder in ((copy / subdir), *(copy / subdir).parents):
        if not folder.is_relative_to(copy):
            break
        if any((folder / name).is_file() for name in _FILES) or any(folder.glob("*requirements*.txt")):
            return folder
    return copy / subdir


def secrets(case: Case, given: Mapping[str, str]) -> dict[str, str]:
    """Values for what the code validates: given ones, those that the list writes out, and invented secrets.

    The database's own settings are left to the tool.
    """
    values: dict[str, str] = {}
    for text in case.secrets:
        name, _, value = text.partition("=")
        if re.fullmatch(r"\w+", name) and not _DATABASE.match(name):
            if value and "<" not in value:
                values[name] = value
            elif _SECRET.search(name):
                length = re.search(r"<(\d+)", value)
                values[name] = _invented(name, int(length[1]) if length else 0)
    return {**values, **given}


def everything(case: Case, given: Mapping[str, str]) -> dict[str, str]:
    """Values for all that the list names, so that the app imports without the tool's help."""
    values = {}
    for text in case.secrets:
        name, _, value = text.partition("=")
        for one in _spelt_out(name):
            values[one] = value if value and "<" not in value else _plausible(one)
    return {**values, **secrets(case, given)}


def _spelt_out(name: str) -> list[str]:
    """``REDIS_HOST/PORT`` is two names."""
    first, *others = name.split("/")
    if not re.fullmatch(r"\w+", first):
        return []
    return [first, *(f"{first.rpartition('_')[0]}_{one}" for one in others)]


def _plausible(name: str) -> str:
    if _SECRET.search(name):
        return _invented(name, 0)
    shapes = {
        "SCHEME": "postgresql+asyncpg", "PORT": "5432", "HOST": "localhost", "SERVER": "localhost",
        "EMAIL": "a@example.com", "REDIS_URL": "redis://localhost:6379/0", "URL": "postgresql+asyncpg://app:app@localhost:5432/app",
        "MINUTES": "30", "ALGORITHM": "HS256",
    }  # fmt: skip
    return next((value for word, value in shapes.items() if word in name), "app")


def _invented(name: str, length: int) -> str:
    if name.endswith("HOSTS"):
        return '["*"]'
    if "ALGORITHM" in name:
        return "HS256"
    if "MINUTES" in name or "SECONDS" in name:
        return "30"
    if name.endswith("DOMAIN"):
        return "localhost"
    value = base64.urlsafe_b64encode(f"{name:-<32.32}".encode()).decode()
    return (value * (length // len(value) + 1))[:length] if length else value


@contextmanager
def _copy(checkout: Path) -> Iterator[Path]:
    """Make a copy that git tracks, as a clone would be, so that nothing that runs can change the checkout."""
    with tempfile.TemporaryDirectory(prefix="field-", ignore_cleanup_errors=True) as directory:
        copy = Path(directory) / checkout.name.split("@")[0]
        shutil.copytree(checkout, copy, symlinks=True)
        for command in (["init", "--quiet"], ["add", "--all", "--force"]):
            subprocess.run(["git", "-C", str(copy), *command], check=False, capture_output=True)  # noqa: S607 - git of PATH
        yield copy


def _pytest(
    venv: Path, folder: Path, arguments: list[str], deadline: float, environment: Mapping[str, str]
) -> tuple[int | None, str]:
    """Give exit status and output; no status when the deadline ended it."""
    clean = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    }
    with subprocess.Popen(
        [str(venv / "bin" / "pytest"), *arguments],
        cwd=folder, env={**clean, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            try:
                said, _ = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
            return None, said
    return process.returncode, said


def _read(outcome: Outcome, report: dict[str, Any]) -> None:
    app = report["app"] or {}
    outcome.path = app.get("path", "")
    outcome.app, outcome.found_in, outcome.booted = app.get("target"), app.get("found_in", ""), bool(app.get("booted"))
    keys = ("id", "slug", "severity", "confidence", "path", "line", "message")
    outcome.findings = [{key: one[key] for key in keys} for one in report["findings"]]
    outcome.skipped = {one["id"]: one["reason"] for one in report["checks"] if one["outcome"] == "skipped"}
    outcome.judged = sum(one["outcome"] != "skipped" for one in report["checks"])
    outcome.criteria = {one["id"]: f"{one['verdict']}: {one['evidence']}" for one in report["criteria"]}
    outcome.notes = report["notes"]
