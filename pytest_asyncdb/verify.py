"""Proves fixes: applies them to a copy of the project, boots the copy, and judges it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_asyncdb import fixes as rewriting
from pytest_asyncdb.model.fix import AddRequirement, Proof, Replace
from pytest_asyncdb.model.result import FixOutcome, ReportedFinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_asyncdb.examine import Examination
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.sources.project import Project
    from pytest_asyncdb.urls.redact import Redactor

SAFE_SET = "the safe fixes together"


@dataclass(frozen=True, slots=True)
class Bench:
    """What a proof needs besides the fixes."""

    first: Examination
    app: App | None
    settings: Settings
    server: Server | None
    redactor: Redactor

    def read(self, path: str) -> str:
        """The project's own text of a file."""
        return self.first.project.text(path)


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of fixes and what became of the copy that got them; ``why`` says why there is no copy."""

    fixes: tuple[Fix, ...]
    texts: Mapping[str, str]
    copy: Examination | None
    why: str = ""
    booted: bool = True
    """Whether the copy was booted; where only requirements change, its boot would be the project's own."""


def prove(bench: Bench) -> tuple[tuple[ReportedFinding, ...], Trial | None]:
    """Prove every fix of the first examination.

    All safe fixes go into one copy; the unsafe ones go into a second copy on top of them. Faults that only
    show once the first ones are out of the way are added to what is reported.

    Returns:
        The findings with the outcome of each fix, and the trial of the safe fixes (None without any).
    """
    findings = bench.first.judgement.findings
    every = [fix for finding in findings for fix in finding.fixes]
    safe = [fix for fix in every if fix.safe]
    trial = _try(bench, safe, "safe") if safe else None
    bold = _try(bench, every, "all") if len(safe) < len(every) else None
    reported = tuple(
        ReportedFinding(
            finding, tuple(_outcome(bench, finding, fix, trial if fix.safe else bold) for fix in finding.fixes)
        )
        for finding in findings
    )
    hidden = _hidden(bench, trial) if trial else ()
    return reported + tuple(ReportedFinding(finding) for finding in hidden), trial


def _try(bench: Bench, fixes: Sequence[Fix], name: str) -> Trial:
    from pytest_asyncdb.copy import TooLargeError, copy_project
    from pytest_asyncdb.examine import judge_again
    from pytest_asyncdb.postgres.databases import create_database, fresh_name
    from pytest_asyncdb.postgres.protocol import ServerError
    from pytest_asyncdb.sources.project import Project

    chosen = rewriting.compatible(fixes, bench.read)
    texts = rewriting.apply(chosen, bench.read)
    if bench.app is None or bench.server is None:
        return Trial(chosen, texts, None, "there is no app whose fixed copy could be booted")
    directory = bench.server.workspace / f"copy-{name}-{bench.server.database}"
    booted = not _only_declares(chosen, bench)
    try:
        copy_project(bench.first.project, directory, texts)
        own = create_database(bench.server, fresh_name()) if booted else bench.server
    except (OSError, TooLargeError, ServerError) as error:
        return Trial(chosen, texts, None, f"the project could not be copied: {error}")
    copy = Project(directory, bench.first.project.without)
    if not booted:
        settings = replace(bench.settings, root=directory)
        return Trial(chosen, texts, judge_again(copy, bench.app, settings, bench.first), booted=False)
    return Trial(chosen, texts, _boot(bench, bench.app, own, copy))


def _only_declares(fixes: Sequence[Fix], bench: Bench) -> bool:
    """Whether nothing but requirements changes: nothing is installed for a proof, so the app would run as it did."""
    declaring = bench.first.facts.declared.files
    changes = [change for fix in fixes for change in fix.changes]
    return all(isinstance(one, (AddRequirement, Replace)) and _path(one) in declaring for one in changes)


def _boot(bench: Bench, app: App, server: Server, copy: Project) -> Examination:
    """Examine the copy like the project, on a database of its own."""
    from pytest_asyncdb.examine import examine
    from pytest_asyncdb.postgres.databases import drop_database

    filled = bench.first.filled.values if bench.first.filled else ()
    env = (*filled, *bench.settings.env)
    settings = replace(bench.settings, root=copy.root, env=env, samples=False)
    try:
        return examine(copy, app, settings, server, [check.id for check in bench.first.checks])
    finally:
        if bench.server and server.provider == "url":  # every other server goes away with its databases
            drop_database(bench.server, server.database)


def _outcome(bench: Bench, finding: Finding, fix: Fix, trial: Trial | None) -> FixOutcome:
    try:
        texts = rewriting.apply([fix], bench.read)
    except ValueError as error:
        return FixOutcome(fix, "", "", "", Proof.NOT_RUN, str(error))
    old = {path: bench.read(path) for path in texts}
    pieces = [rewriting.changed_lines(old[path], texts[path]) for path in sorted(texts)]
    proof, why = _verdict(bench, finding, fix, trial)
    mask = bench.redactor.text
    return FixOutcome(
        fix,
        diff=mask(rewriting.unified_diff(old, texts)),
        old=mask("\n".join(gone for gone, _ in pieces)),
        new=mask("\n".join(come for _, come in pieces)),
        proof=proof,
        why=mask(why),
    )


def _verdict(  # noqa: PLR0911 - one return for each way a proof can end
    bench: Bench, finding: Finding, fix: Fix, trial: Trial | None
) -> tuple[Proof, str]:
    if trial is None:
        return Proof.NOT_RUN, "proofs were switched off"
    if fix not in trial.fixes:
        return Proof.NOT_RUN, "contradicts another fix of the same text; apply that one first"
    if trial.copy is None:
        return Proof.NOT_RUN, trial.why
    missing = _not_installed(fix, trial.copy)
    if missing:
        return Proof.NOT_RUN, f"`{missing}` is not installed here, and nothing is installed for a proof"
    if any(_same(bench, finding, other, trial) for other in trial.copy.judgement.findings):
        return Proof.FAILED, f"the fixed copy still shows {finding.id}"
    blocking = trial.copy.judgement.blocking
    if not blocking:
        return Proof.PROVEN, evidence_of(trial.copy, booted=trial.booted)
    first = bench.first.judgement
    caused = [f for f in blocking if not first.skipped(f.id) and not _known(bench, f, trial)]
    if caused:
        return Proof.FAILED, f"the copy then stops at {caused[0].id}: {caused[0].message}"
    where = f"{blocking[0].id} ({blocking[0].place})"
    return Proof.NOT_RUN, f"the copy is rid of it, but stops at {where}, which no safe fix takes away"


def _known(bench: Bench, of_copy: Finding, trial: Trial) -> bool:
    """Whether the project showed this finding before any fix."""
    return any(_same(bench, one, of_copy, trial) for one in bench.first.judgement.findings)


def evidence_of(examination: Examination, *, booted: bool = True) -> str:
    """What the boot of a healthy copy showed, in one line; or the app's own, where nothing that runs is changed."""
    boot = examination.facts.boot
    if boot is None:
        return "the copy is free of it"
    seen = ["imports"] if boot.passed("import") else []
    seen += ["starts"] if boot.passed("startup") else []
    if any(c.ok for c in boot.connections):
        seen.append("reaches its database")
    seen += [f"{r.method} {r.path} answers {r.status}" for r in boot.responses if r.status is not None][:4]
    return f"{'the fixed copy' if booted else 'nothing that runs is changed: the app'} {', '.join(seen)}"


def _hidden(bench: Bench, trial: Trial) -> tuple[Finding, ...]:
    """Faults of the copy that the first examination could not judge, with their places in the project."""
    if trial.copy is None:
        return ()
    first = bench.first.judgement
    hidden = []
    for finding in trial.copy.judgement.findings:
        if _known(bench, finding, trial) or not first.skipped(finding.id):
            continue
        place = replace(finding.place, line=_line_before(bench, finding, trial))
        untouched = all(_path(c) not in trial.texts for fix in finding.fixes for c in fix.changes)
        hidden.append(
            replace(
                finding,
                place=place,
                fixes=finding.fixes if untouched else (),
                root_cause=f"{finding.root_cause} Seen in the fixed copy: the faults before it hide it.",
            )
        )
    return tuple(hidden)


def _same(bench: Bench, original: Finding, of_copy: Finding, trial: Trial) -> bool:
    """Whether a finding of the copy is this finding of the project (lines may have moved)."""
    if (original.id, original.place.path) != (of_copy.id, of_copy.place.path):
        return False
    return original.message == of_copy.message or original.place.line == _line_before(bench, of_copy, trial)


def _line_before(bench: Bench, finding: Finding, trial: Trial) -> int:
    path, line = finding.place.path, finding.place.line
    if path not in trial.texts or not line:
        return line
    return rewriting.old_line(bench.read(path), trial.texts[path], line)


def _path(change: object) -> str:
    return change.span.path if isinstance(change, Replace) else getattr(change, "path", "")


def _not_installed(fix: Fix, copy: Examination) -> str:
    """A requirement that the fix declares and that is not installed."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    dependency_files = copy.facts.declared.files
    for change in fix.changes:
        text = change.requirement if isinstance(change, AddRequirement) else ""
        if isinstance(change, Replace) and change.span.path in dependency_files:
            text = change.text
        try:
            name = canonicalize_name(Requirement(text).name) if text else ""
        except InvalidRequirement:
            continue
        if name and copy.facts.installed.version(name) is None:
            return text
    return ""
