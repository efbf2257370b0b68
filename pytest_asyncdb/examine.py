"""One examination of one tree: read it, boot it, judge it. The project gets one, and each copy with fixes one more."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pytest_asyncdb.boots import Boots
from pytest_asyncdb.judge import judge
from pytest_asyncdb.trying import Trials
from pytest_asyncdb.urls.declared import usual_scheme
from pytest_asyncdb.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.examples import Filled
    from pytest_asyncdb.facts.project import App
    from pytest_asyncdb.judge import Judgement
    from pytest_asyncdb.model.check import Check
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.thread import ServerThread
    from pytest_asyncdb.sandbox.children import Children
    from pytest_asyncdb.sandbox.launch import Child
    from pytest_asyncdb.sources.project import Project

    FactsOf: TypeAlias = Callable[..., Facts]
    """Makes facts from a project, settings, an app, and the sources of its boot and its samples."""

    class Judging(Protocol):
        """Waits for a boot and judges."""

        def __call__(self, *, copies: bool = False) -> Examination:
            """Judge; ``copies`` says whether fixed ones may be booted after that."""


@dataclass(frozen=True, slots=True)
class Examination:
    """A tree, what is known of it, and what the checks say."""

    project: Project
    facts: Facts
    checks: tuple[Check, ...]
    judgement: Judgement
    filled: Filled | None = None
    """What the app got besides its own environment; None without a boot."""


def examine(  # noqa: PLR0913 - what to examine, and with what
    project: Project,
    app: App,
    settings: Settings,
    server: ServerThread | Server,
    ids: Sequence[str] | None,
    *,
    children: Children,
    child: Child | None = None,
    waiting: Waiting | None = None,
) -> Examination:
    """Boot the app of ``project`` and judge all that is known.

    The app is being imported while the server starts, the sources are read and the checks are loaded.

    Args:
        project: the tree to examine.
        app: what to boot in it.
        settings: deadlines and what fails a check.
        server: where all connections go; may still be starting.
        ids: which checks to run; all of them when None.
        children: where the processes of all boots come from.
        child: one that is ready already.
        waiting: learns what takes its time.

    Raises:
        NoProviderError, UnknownProviderError, ServerError: there is no server.
        SandboxError: the sandbox did not start.
    """
    with begin(project, app, settings, server, ids, children=children, child=child, waiting=waiting) as judged:
        return judged(copies=settings.prove)


@contextmanager
def begin(  # noqa: PLR0913 - as for the whole examination
    project: Project,
    app: App,
    settings: Settings,
    server: ServerThread | Server,
    ids: Sequence[str] | None,
    *,
    children: Children,
    child: Child | None = None,
    waiting: Waiting | None = None,
    kind: FactsOf | None = None,
) -> Iterator[Judging]:
    """Start an examination, for what can be done beside its boot; gives what waits for it and judges.

    Everything that was started ends with the ``with`` block. ``kind`` makes the facts, as in ``judge_again``.
    """
    from pytest_asyncdb.facts import Facts

    # Nothing stands before the app's import that can wait: it takes longer than all the rest together.
    boots: Boots
    trials: Trials
    facts: Facts = (kind or Facts)(project, settings, app, lambda: (boots.record(), ""), lambda: trials.results())  # noqa: PLW0108 - there are none yet
    boots = Boots(facts, app, server, children)
    boots.begin(child)
    trials = Trials(boots.request, server, boots.spawn)
    try:
        boots.complete(facts.modules_to_import(app), facts.secrets, lambda: usual_scheme(facts))
        with (waiting or Waiting()).on(_Examining(boots, trials)):
            yield partial(_concluded, facts, boots, trials, ids)
    finally:
        boots.kill()
        trials.end()


class _Examining:
    """What an examination waits for."""

    def __init__(self, boots: Boots, trials: Trials) -> None:
        self._boots = boots
        self._trials = trials

    def doing(self) -> Iterator[tuple[str, str]]:
        """The boot, else the samples that are tried beside it, else what is done here."""
        for source in (self._boots.doing(), self._trials.doing(), [("reading and judging the sources", "")]):
            if found := list(source):
                yield from found
                return

    def ask(self) -> None:
        """Ask where the project's code stands."""
        self._boots.ask()


def _concluded(
    facts: Facts, boots: Boots, trials: Trials, ids: Sequence[str] | None, *, copies: bool = False
) -> Examination:
    """Judge all that is known of a project whose app boots meanwhile.

    Args:
        facts: the project.
        boots: the app's.
        trials: of its URL helpers.
        ids: which checks to run; all of them when None.
        copies: whether fixed copies may be booted after that.
    """
    from pytest_asyncdb.registry import load

    project = facts.project
    _read_ahead(facts)
    trials.begin(facts)
    checks = load(ids)
    if copies and is_to_be_fixed(facts, checks):
        boots.prepare()
    boots.ready()
    judgement = _judged(facts, checks)
    _ = facts.boot  # the checks that were asked for may not have read it, and the notes do
    return Examination(project, facts, checks, judgement, boots.filled)


def _judged(facts: Facts, checks: Sequence[Check]) -> Judgement:
    project = facts.project
    return judge(facts, checks, _Lines(project).line, facts.settings.fail_on, project.templates)


def is_to_be_fixed(facts: Facts, checks: Sequence[Check]) -> bool:
    """Whether a fixed copy will be booted, as far as the sources alone tell."""
    from pytest_asyncdb.fixes import only_declare

    findings = _judged(facts.without_boot(), checks).findings
    return not only_declare([fix for one in findings for fix in one.fixes], facts.declared.files)


def read(project: Project, settings: Settings, ids: Sequence[str] | None, why: str) -> Examination:
    """Judge what the sources alone tell, of a project that has no app to boot.

    Args:
        project: the tree to examine.
        settings: what fails a check.
        ids: which checks to run; all of them when None.
        why: the reason for which the checks of a boot are not judged.
    """
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.registry import load

    facts = Facts(project, settings, None, lambda: (None, why))
    checks = load(ids)
    return Examination(project, facts, checks, _judged(facts, checks))


def judge_again(
    project: Project, app: App, settings: Settings, before: Examination, kind: FactsOf | None = None
) -> Examination:
    """Judge a copy in which nothing that runs was changed: its boot would be the boot that was seen.

    Args:
        project: the copy.
        app: what was booted.
        settings: what fails a check.
        before: the examination of the original.
        kind: makes the facts; by default all is read anew.
    """
    from pytest_asyncdb.facts import Facts

    facts = (kind or Facts)(
        project, settings, app, lambda: (before.facts.boot, before.facts.no_boot), lambda: before.facts.samples
    )
    return Examination(project, facts, before.checks, _judged(facts, before.checks), before.filled)


class _Lines:
    """Lines of project files, for suppression comments."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def line(self, path: str, number: int) -> str:
        """The text of a line (from 1), or nothing where there is none."""
        lines = self._project.lines(path)
        return lines.text[lines.start(number) : lines.end(number)] if 0 < number <= len(lines) else ""


def _read_ahead(facts: Facts) -> None:
    """Compute what needs no boot while the app boots."""
    _ = facts.declared, facts.installed, facts.urls, facts.static_engines, facts.static_session_factories
    _ = facts.cycles, facts.routers
