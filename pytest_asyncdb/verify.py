"""Proves fixes: applies them to a copy of the project, boots the copy, and judges it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb import fixes as rewriting
from pytest_asyncdb.model.fix import AddRequirement, Proof, Replace
from pytest_asyncdb.model.result import FixOutcome, ReportedFinding
from pytest_asyncdb.proofs import try_out
from pytest_asyncdb.waiting import Waiting

if TYPE_CHECKING:
    from pytest_asyncdb.examine import Examination
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.proofs import Bench, Trial


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
    with (bench.waiting or Waiting()).on("trying the fixes on copies of the project"):
        trial, bold = try_out(bench, safe, every)
    reported = tuple(
        ReportedFinding(
            finding, tuple(_outcome(bench, finding, fix, trial if fix.safe else bold) for fix in finding.fixes)
        )
        for finding in findings
    )
    hidden = _hidden(bench, trial) if trial else ()
    return reported + tuple(ReportedFinding(finding) for finding in hidden), trial


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
    if any(trial.same(finding, other) for other in trial.copy.judgement.findings):
        return Proof.FAILED, f"the fixed copy still shows {finding.id}"
    blocking = trial.copy.judgement.blocking
    boot = trial.copy.facts.boot
    if not blocking and boot is not None and not boot.passed("import"):
        return Proof.NOT_RUN, "the copy is rid of it, but does not import for a reason that is not judged"
    if not blocking:
        return Proof.PROVEN, evidence_of(trial.copy, booted=trial.booted)
    first = bench.first.judgement
    caused = [f for f in blocking if not first.skipped(f.id) and not trial.known(f)]
    if caused:
        return Proof.FAILED, f"the copy then stops at {caused[0].id}: {caused[0].message}"
    where = f"{blocking[0].id} ({blocking[0].place})"
    return Proof.NOT_RUN, f"the copy is rid of it, but stops at {where}, which no safe fix takes away"


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
        if trial.known(finding) or not first.skipped(finding.id):
            continue
        place = replace(finding.place, line=trial.line_before(finding))
        untouched = all(rewriting.path_of(c) not in trial.texts for fix in finding.fixes for c in fix.changes)
        hidden.append(
            replace(
                finding,
                place=place,
                fixes=finding.fixes if untouched else (),
                root_cause=f"{finding.root_cause} Seen in the fixed copy: the faults before it hide it.",
            )
        )
    return tuple(hidden)


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
