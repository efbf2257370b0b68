"""Everything a run knows at its end; what reports render."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_asyncdb.model.fix import Proof

if TYPE_CHECKING:
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Fix


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """How a criterion of the audit stands."""

    MET = "met"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the audit's acceptance list, with the evidence seen in this run."""

    id: str
    title: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """How one check ended; ``reason`` says why it was skipped or failed."""

    id: str
    slug: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A fix with what became of it: a unified diff (secrets masked) and how far it was proven."""

    fix: Fix
    diff: str
    old: str
    new: str
    proof: Proof = Proof.NOT_RUN
    why: str = ""


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding with the outcome of each of its fixes."""

    finding: Finding
    fixes: tuple[FixOutcome, ...] = ()
    apps: tuple[str, ...] = ()
    """In a project with several apps: the names of those that have it."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The throwaway server that was used; ``seconds`` from request to ready."""

    provider: str
    version: str
    seconds: float
    not_used: tuple[tuple[str, str], ...] = ()
    """Other providers, each with why it was not used."""


@dataclass(frozen=True, slots=True)
class AppInfo:
    """The app that was booted; ``found_in`` says where the target was read."""

    target: str
    found_in: str
    booted: bool
    path: str = ""
    """The file of the app, relative to the project."""

    @property
    def name(self) -> str:
        """What tells it from other apps of the project; the setting ``asyncdb_app`` takes it."""
        return f"{self.path}:{self.target.partition(':')[2]}" if self.path else self.target


@dataclass(frozen=True, slots=True)
class Result:
    """One finished run."""

    environment: tuple[tuple[str, str], ...]
    server: ServerInfo | None
    app: AppInfo | None
    """The app that was booted; the first one where there are several."""
    criteria: tuple[Criterion, ...]
    findings: tuple[ReportedFinding, ...]
    checks: tuple[CheckOutcome, ...]
    notes: tuple[str, ...] = ()
    """Things to tell that are no fault: values filled in, addresses refused, what was not judged."""
    left_out: tuple[str, ...] = ()
    """What of the project was not read, and why, a line for each kind."""
    applied: tuple[str, ...] = ()
    """Paths that ``--asyncdb-fix`` changed."""
    diff: str = ""
    """All safe fixes together as one unified diff, secrets masked."""
    apps: tuple[AppInfo, ...] = ()
    """Every app that was booted."""
    incomplete: str = ""
    """Why the run can't be called good whatever its checks say, with each way out; empty when it can."""
