"""A pytest session with checks: when they run, how they are collected, and what is told at the end."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.items import COLLECTOR, VERDICTS, AnchorFile, CheckItem, Line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from pytest_asyncdb.model.result import Result

_WORKER = "PYTEST_XDIST_WORKER"
_GATE = "_PYTEST_ASYNCDB_GATE"
"""Tells xdist's workers, before they load a conftest, that the gate is closed."""
_ANCHORS = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "requirements.txt", "Pipfile")


class CheckSession:
    """Everything about the checks of one pytest run. Lives in ``config.stash``."""

    _KEY: pytest.StashKey[CheckSession] = pytest.StashKey()

    def __init__(self, config: pytest.Config) -> None:
        from pytest_asyncdb.options import project_root

        self.config = config
        self.root = project_root(config)
        self.result: Result | None = None
        self.gate = ""
        """Why the project's tests are not run; empty while they are."""
        self.conftest_error = ""
        self._anchor: Path | None = None
        self._reports = _report_files(config)
        self._ran: set[str] = set()
        self._failed: set[str] = set()

    @classmethod
    def begin(cls, config: pytest.Config) -> CheckSession:
        """Examine the project, in the process that owns the run; called before any conftest is loaded.

        Raises:
            pytest.UsageError: the run cannot be done as asked.
        """
        session = cls(config)
        config.stash[cls._KEY] = session
        if _WORKER in os.environ:
            session.gate = os.environ.get(_GATE, "")
        else:
            session._examine()
        if session.gate:
            config.known_args_namespace.noconftest = True
        return session

    @classmethod
    def of(cls, config: pytest.Config) -> CheckSession:
        """The run's session; makes one without an examination for ``--collect-only``."""
        if cls._KEY not in config.stash:
            config.stash[cls._KEY] = cls(config)
        return config.stash[cls._KEY]

    def conftest_failed(self, error: BaseException) -> None:
        """Keep the error of a conftest; the checks are reported all the same."""
        self.conftest_error = f"{type(error).__name__}: {error}"

    def configure(self) -> None:
        """Put the checks where pytest collects, and take what follows into our own hands."""
        self._anchor = _anchor(self.root, self.config.inipath)
        self._place_anchor(self._anchor)
        if not self.gate:
            # An error in the project's own test modules must not keep the checks from being told.
            self.config.option.continue_on_collection_errors = True
        self.config.stash[VERDICTS] = self._verdicts()
        self.config.pluginmanager.register(self, "asyncdb-check")

    def _examine(self) -> None:
        from pytest_asyncdb.options import settings_of
        from pytest_asyncdb.run import RunError, analyse

        gc.disable()  # a short burst of objects that nearly all stay; a collection in it finds nothing
        try:
            self.result = analyse(settings_of(self.config), repair=self.config.known_args_namespace.asyncdb_fix)
        except RunError as error:
            raise pytest.UsageError(str(error)) from None
        except KeyboardInterrupt:
            sys.stderr.write("\nasyncdb: interrupted; the sandbox and the server were stopped\n")
            raise SystemExit(int(pytest.ExitCode.INTERRUPTED)) from None
        finally:
            gc.enable()
        if not self.config.known_args_namespace.asyncdb_no_gate:
            self.gate = _gate(self.result, self.config.known_args_namespace.deselect or ())
        if self.gate:
            os.environ[_GATE] = self.gate

    def _place_anchor(self, anchor: Path) -> None:
        """Have pytest visit the anchor; leave out the project's tests while the gate is closed."""
        args = self.config.args
        here = self.config.invocation_params.dir
        if self.gate:
            args[:] = [arg for arg in args if f"::{COLLECTOR}" in arg] or [str(anchor)]
        elif not any(_contains(here / arg.split("::")[0], anchor, named="::" in arg) for arg in args):
            args.append(str(anchor))

    def _verdicts(self) -> dict[str, Line]:
        handed_over: dict[str, dict[str, str]] = getattr(self.config, "workerinput", {}).get("asyncdb", {})
        if handed_over:
            return {check_id: Line(**line) for check_id, line in handed_over.items()}
        return _lines(self.result) if self.result else {}

    # Hooks

    def pytest_report_header(self, config: pytest.Config) -> list[str]:
        """What was booted, and against what."""
        if self.result is None:
            return []
        from pytest_asyncdb.options import requests_of
        from pytest_asyncdb.postgres.request import label
        from pytest_asyncdb.report.terminal import render_header

        lines = render_header(self.result, verbose=config.option.verbose > 0)
        first, *others = requests_of(config)
        if others:
            later = ", ".join(map(label, others))
            lines.append(f"asyncdb: the checks ran on {label(first)} alone; tests of the fixtures run on {later}, too")
        return lines

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The anchor carries the checks."""
        if file_path == self._anchor:
            return AnchorFile.from_parent(parent, path=file_path)
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Checks first, then the project's tests."""
        items.sort(key=lambda item: item.get_closest_marker(COLLECTOR) is None)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Hand the verdicts to a worker of xdist."""
        lines = self.config.stash[VERDICTS]
        node.workerinput["asyncdb"] = {key: asdict(line) for key, line in lines.items()}  # type: ignore[attr-defined]  # a node of xdist has it

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A skipped check names its own place and reason, not a line of this plugin."""
        report = yield
        if report.skipped and isinstance(item, CheckItem) and isinstance(report.longrepr, tuple):
            report.longrepr = (str(item.path), 1, report.longrepr[2])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which checks were told, so that the summary speaks of these."""
        _, found, name = report.nodeid.rpartition(f"::{COLLECTOR}::")
        if found:
            self._ran.add(name.partition("-")[0])
            if report.failed:
                self._failed.add(name.partition("-")[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports and settle the exit status."""
        os.environ.pop(_GATE, None)
        if self.result is None:
            return
        from pytest_asyncdb.report.write import write

        for path in self._reports:
            write(self.result, path)
        clean = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        if self.conftest_error and clean:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif clean and (_nothing_judged(self.result) or self.result.incomplete or self.gate):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Spare the interpreter's end a search through everything that was loaded."""
        gc.freeze()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The findings that failed nothing, the criteria, the fixes, and why the tests were not run."""
        if self.result is None:
            return
        from pytest_asyncdb.report.summary import render

        shown = self._failed if self.config.option.tbstyle != "no" else frozenset[str]()
        terminalreporter.section("asyncdb")
        for line in render(
            _only(self.result, self._ran),
            told=shown,
            diff=self.config.known_args_namespace.asyncdb_diff,
            gate=self.gate,
            conftest_error=self.conftest_error,
            reports=self._reports,
            encoding=sys.stdout.encoding or "utf-8",
        ):
            terminalreporter.write_line(line)
        if _nothing_judged(self.result):
            terminalreporter.write_line("nothing could be checked: every check was skipped, for the reasons above")


def _only(result: Result, ran: set[str]) -> Result:
    """The part of the result that the selected checks told."""
    return replace(
        result,
        findings=tuple(one for one in result.findings if one.finding.id in ran),
        checks=tuple(check for check in result.checks if check.id in ran),
    )


def _anchor(root: Path, inipath: Path | None) -> Path:
    """An existing file of the project that is the same in every run."""
    if inipath is not None and inipath.is_relative_to(root):
        return inipath
    for name in _ANCHORS:
        if (root / name).is_file():
            return root / name
    files = sorted(path for path in root.rglob("*.py") if path.is_file())
    if not files:
        raise pytest.UsageError(f"--asyncdb-check: {root} has no Python file; run pytest in the project's directory")
    return files[0]


def _contains(argument: Path, anchor: Path, *, named: bool) -> bool:
    """Whether pytest visits the anchor because of this argument."""
    path = argument.resolve()
    return path == anchor or (not named and path.is_dir() and anchor.is_relative_to(path))


def _report_files(config: pytest.Config) -> list[Path]:
    from pytest_asyncdb.report.write import ReportError, check

    here = config.invocation_params.dir
    try:
        return [check(here / name) for name in config.known_args_namespace.asyncdb_report]
    except ReportError as error:
        raise pytest.UsageError(f"--asyncdb-report: {error}") from None


def _lines(result: Result) -> dict[str, Line]:
    """What each item says."""
    from pytest_asyncdb.report.terminal import render_finding

    texts: dict[str, list[str]] = {}
    for one in result.findings:
        texts.setdefault(one.finding.id, []).append(render_finding(one))
    return {c.id: Line(str(c.outcome), c.reason, "\n\n".join(texts.get(c.id, ()))) for c in result.checks}


def _gate(result: Result, deselected: Iterable[str]) -> str:
    """One line saying why the tests can wait, or nothing."""
    from pytest_asyncdb.model.finding import Severity

    ignored = {item.rpartition("::")[2].partition("-")[0] for item in deselected}
    fixed = set(result.applied)
    ids = {
        one.finding.id
        for one in result.findings
        if one.finding.severity is Severity.BLOCKS and one.finding.id not in ignored
    }
    if not ids or (fixed and not any(c.outcome == "failed" for c in result.checks)):
        return ""
    kinds = "a fault blocks" if len(ids) == 1 else f"{len(ids)} kinds of fault block"
    return f"the project's tests were not run: {kinds} the app ({', '.join(sorted(ids))}); --asyncdb-no-gate runs them"


def _nothing_judged(result: Result) -> bool:
    return all(check.outcome == "skipped" for check in result.checks)
