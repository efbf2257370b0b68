"""Copies of the project that got fixes: each is booted and judged like the project, two of them side by side."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from pytest_asyncdb import fixes as rewriting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_asyncdb.examine import Examination, FactsOf
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.fix import Fix
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.thread import ServerThread
    from pytest_asyncdb.sandbox.children import Children
    from pytest_asyncdb.sources.project import Project
    from pytest_asyncdb.urls.redact import Redactor
    from pytest_asyncdb.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Bench:
    """What a proof needs besides the fixes."""

    first: Examination
    app: App | None
    settings: Settings
    server: Server | None
    redactor: Redactor
    children: Children
    waiting: Waiting | None = None

    def read(self, path: str) -> str:
        """The project's own text of a file."""
        return self.first.project.text(path)


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of fixes and what became of the copy that got them; ``why`` says why there is no copy."""

    bench: Bench
    fixes: tuple[Fix, ...]
    texts: Mapping[str, str]
    copy: Examination | None
    why: str = ""
    booted: bool = True
    """Whether the copy was booted; where only requirements change, its boot would be the project's own."""

    def known(self, of_copy: Finding) -> bool:
        """Whether the project showed this finding before any fix."""
        return any(self.same(one, of_copy) for one in self.bench.first.judgement.findings)

    def same(self, original: Finding, of_copy: Finding) -> bool:
        """Whether a finding of the copy is this finding of the project (lines may have moved)."""
        if (original.id, original.place.path) != (of_copy.id, of_copy.place.path):
            return False
        return original.message == of_copy.message or original.place.line == self.line_before(of_copy)

    def line_before(self, of_copy: Finding) -> int:
        """The line in the project of what a finding of the copy points at."""
        path, line = of_copy.place.path, of_copy.place.line
        if path not in self.texts or not line:
            return line
        return rewriting.old_line(self.bench.read(path), self.texts[path], line)

    def new_faults(self) -> frozenset[tuple[str, str]]:
        """What stops the copy and was not seen in the project."""
        blocking = self.copy.judgement.blocking if self.copy else ()
        return frozenset((one.id, one.message) for one in blocking if not self.known(one))


def try_out(bench: Bench, safe: Sequence[Fix], every: Sequence[Fix]) -> tuple[Trial | None, Trial | None]:
    """Boot a copy with the safe fixes and one with all of them, at the same time.

    What two copies of an app cannot both have (a port, a file elsewhere) must disprove no fix: a copy that stops where
    the other one does not is booted once more by itself.

    Returns:
        The trial of the safe fixes, and that of all; None of no fixes, and where all are safe.
    """
    with ExitStack() as running:
        small = Copy(bench, safe, "safe").begin(running) if safe else None
        large = Copy(bench, every, "all", small).begin(running) if len(safe) < len(every) else None
        trial = small.trial() if small else None
        bold = large.trial() if large else None
    if not (small and trial and large and bold):
        return trial, bold
    found, found_bold = trial.new_faults(), bold.new_faults()
    return small.again() if found - found_bold else trial, large.again() if found_bold - found else bold


class Copy:
    """A copy with fixes.

    Args:
        bench: the project.
        fixes: what is applied to the copy, but for those that contradict others.
        name: of its directory.
        less: the copy with some of these fixes: where what it runs is the same, this one need not be booted.
    """

    def __init__(self, bench: Bench, fixes: Sequence[Fix], name: str, less: Copy | None = None) -> None:
        self._bench = bench
        self._name = name
        self._less = less
        self.fixes = rewriting.compatible(fixes, bench.read)
        self.texts = rewriting.apply(self.fixes, bench.read)
        self._boots = (
            not rewriting.only_declare(self.fixes, bench.first.facts.declared.files)
            if less is None
            else less.runs_other(self.texts)
        )
        self._judge: Callable[[], Examination | None] = _nothing
        self._why = "there is no app whose fixed copy could be booted"
        self._trial: Trial | None = None

    @property
    def booted(self) -> bool:
        """Whether this copy is booted, or one that runs the same."""
        return self._boots or (self._less is not None and self._less.booted)

    def begin(self, running: ExitStack) -> Self:
        """Make the copy and start its boot, which ends with ``running`` at the latest."""
        from pytest_asyncdb.copy import TooLargeError, copy_project
        from pytest_asyncdb.postgres.thread import DatabaseThread
        from pytest_asyncdb.sources.project import Project

        app, server = self._bench.app, self._bench.server
        if app is None or server is None:
            return self
        directory = server.workspace / f"copy-{self._name}-{server.database}"
        own = running.enter_context(DatabaseThread(server)) if self._boots else None
        try:
            copy_project(self._bench.first.project, directory, self.texts)
        except (OSError, TooLargeError) as error:
            self._why = f"the project could not be copied: {error}"
            return self
        copy = Project(directory, self._bench.first.project.without)
        self._judge = self._boot(running, app, own, copy) if own else self._read(app, copy)
        return self

    def trial(self) -> Trial:
        """Wait for the boot and judge the copy."""
        from pytest_asyncdb.postgres.protocol import ServerError

        if self._trial is None:
            copy = None
            try:
                copy = self._judge()
            except ServerError as error:
                self._why = f"the copy got no database: {error}"
            self._trial = Trial(self._bench, self.fixes, self.texts, copy, self._why, booted=self.booted)
        return self._trial

    def again(self) -> Trial:
        """Boot the copy anew, in a directory that the first boot did not touch, while nothing else runs."""
        if not self._boots:
            return self.trial()
        with ExitStack() as running:
            return Copy(self._bench, self.fixes, f"{self._name}-alone", self._less).begin(running).trial()

    def runs_other(self, texts: Mapping[str, str]) -> bool:
        """Whether a copy with these texts runs anything that this one does not."""
        paths = {*texts, *self.texts}.difference(self._bench.first.facts.declared.files)
        return any(texts.get(path) != self.texts.get(path) for path in paths)

    def _boot(self, running: ExitStack, app: App, own: ServerThread, copy: Project) -> Callable[[], Examination]:
        """Examine the copy like the project, on a database of its own."""
        from pytest_asyncdb.examine import begin

        first = self._bench.first
        env = (*(first.filled.invented if first.filled else ()), *self._bench.settings.env)
        settings = replace(self._bench.settings, root=copy.root, env=env, samples=False)
        ids, bench = [check.id for check in first.checks], self._bench
        children, waiting = bench.children, bench.waiting
        started = begin(copy, app, settings, own, ids, children=children, waiting=waiting, kind=self._facts)
        return running.enter_context(started)

    @property
    def _facts(self) -> FactsOf:
        """Makes its facts: what no fix touches is known already."""
        from pytest_asyncdb.facts.copied import CopiedFacts

        return partial(CopiedFacts, before=self._bench.first.facts, changed=frozenset(self.texts))

    def _read(self, app: App, copy: Project) -> Callable[[], Examination | None]:
        """Judge the copy by the boot of what runs the same."""
        from pytest_asyncdb.examine import judge_again

        settings = replace(self._bench.settings, root=copy.root)
        less, first = self._less, self._bench.first

        def judge() -> Examination | None:
            before = less.trial().copy if less is not None else first
            return judge_again(copy, app, settings, before, self._facts) if before is not None else None

        return judge


def _nothing() -> None:
    return None
