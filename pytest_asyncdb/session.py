"""A pytest session with checks: when they run, how they are collected, and what is told at the end."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb import alone
from pytest_asyncdb.collecting import apart
from pytest_asyncdb.items import COLLECTOR, VERDICTS, AnchorFile, CheckItem, Line, anchor_of, leads_to
from pytest_asyncdb.telling import gate_of, is_silent, lines_of, nothing_judged, only
from pytest_asyncdb.variables import as_in_tests

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from pytest_asyncdb.model.result import Result

_WORKER = "PYTEST_XDIST_WORKER"
_WITHOUT_CONFTESTS = "`-m asyncdb_check` runs the checks without the project's conftests"


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
        self.alone = alone.only_checks(config)
        """Whether the checks are all that is run: then pytest meets no file of the project but their anchor."""
        self._conftest_failed = False
        self._left_out: tuple[str, ...] = ()
        self._anchor: Path | None = None
        self._reports = _report_files(config)
        self._ran: set[str] = set()
        self._apart = False
        """Whether a hook of the project raised over the collection."""
        self._told = False
        self._failed: set[str] = set()

    @classmethod
    def begin(cls, config: pytest.Config, parser: pytest.Parser, args: list[str]) -> CheckSession:
        """Examine the project, in the process that owns the run; called before any conftest is loaded.

        Raises:
            pytest.UsageError: the run cannot be done as asked.
        """
        session = cls(config)
        config.stash[cls._KEY] = session
        if _WORKER not in os.environ:
            with as_in_tests(config, parser, args) as notes:
                session._examine(notes, silent=is_silent(parser, args))
        if session.alone:
            session._left_out = alone.leave_conftests(config, parser, args)
        return session

    @classmethod
    def of(cls, config: pytest.Config) -> CheckSession:
        """The run's session; makes one without an examination for ``--collect-only``."""
        if cls._KEY not in config.stash:
            config.stash[cls._KEY] = cls(config)
        return config.stash[cls._KEY]

    def conftest_failed(self, error: BaseException, parser: pytest.Parser, args: list[str]) -> None:
        """Report the checks all the same, and leave out the tests, which pytest would not even look for."""
        from pytest_asyncdb.sources.project import Project

        self._conftest_failed = self.alone = True
        said = Project(self.root).redactor.text(alone.failure(error, self.root))
        self.gate = f"the project's tests were not run: {said}"
        self._left_out = alone.leave_conftests(self.config, parser, args)
        alone.load_no_more(self.config)

    def configure(self) -> None:
        """Put the checks where pytest collects, and take what follows into our own hands."""
        self._anchor = anchor_of(self.root, self.config.inipath)
        self._place_anchor(self._anchor)
        if self.alone:
            alone.stay_one_process(self.config)
            alone.ask_for_no_loop_scope()
        else:
            # An error in the project's own test modules must not keep the checks from being told.
            self.config.option.continue_on_collection_errors = True
        self.config.stash[VERDICTS] = self._verdicts()
        self.config.pluginmanager.register(self, "asyncdb-check")

    def _examine(self, notes: tuple[str, ...], *, silent: bool) -> None:
        from pytest_asyncdb.options import settings_of
        from pytest_asyncdb.postgres.protocol import to_stderr
        from pytest_asyncdb.run import RunError, analyse

        gc.disable()  # a short burst of objects that nearly all stay; a collection in it finds nothing
        try:
            tell = None if silent else to_stderr  # nothing is captured before conftests are loaded
            repair = self.config.known_args_namespace.asyncdb_fix
            result = analyse(settings_of(self.config), repair=repair, tell=tell)
            self.result = replace(result, notes=(*result.notes, *(notes if result.app else ())))
        except RunError as error:
            raise pytest.UsageError(str(error)) from None
        except KeyboardInterrupt:
            sys.stderr.write("\nasyncdb: interrupted; the sandbox and the server were stopped\n")
            raise SystemExit(int(pytest.ExitCode.INTERRUPTED)) from None
        finally:
            gc.enable()
        if not self.config.known_args_namespace.asyncdb_no_gate:
            self.gate = gate_of(self.result, self.config.known_args_namespace.deselect or ())
        self.alone = self.alone or bool(self.gate)

    def _place_anchor(self, anchor: Path) -> None:
        """Have pytest visit the anchor; and nothing else when the checks are all that is run."""
        args = self.config.args
        here = self.config.invocation_params.dir
        if self.alone:
            args[:] = [arg for arg in args if alone.is_check(arg)] or [str(anchor)]
        elif not any(leads_to(here / arg.split("::")[0], anchor, named="::" in arg) for arg in args):
            args.append(str(anchor))

    def _verdicts(self) -> dict[str, Line]:
        handed_over: dict[str, dict[str, str]] = getattr(self.config, "workerinput", {}).get("asyncdb", {})
        if handed_over:
            return {check_id: Line(**line) for check_id, line in handed_over.items()}
        return lines_of(self.result) if self.result else {}

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
        if self._left_out:
            names = ", ".join(one.partition("=")[0] for one in self._left_out)
            lines.append(f"asyncdb: left out, because no conftest was loaded that could know it: {names}")
        return lines

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """The anchor carries the checks; it may be a Python file, which is not imported for them alone."""
        found = yield
        others = [] if self.alone else found
        return [AnchorFile.from_parent(parent, path=file_path), *others] if file_path == self._anchor else others

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Checks first, then the project's tests, whatever its own hooks make of items that they don't know."""
        collected = list(items)
        try:
            yield
        except Exception:
            if self._apart:
                raise
            self._apart = True
            self.gate = apart(session, items, collected)
        items.sort(key=lambda item: not isinstance(item, CheckItem))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell every finding when the project ends the run with ``pytest.exit``."""
        if isinstance(excinfo.value, pytest.exit.Exception) and self.result is not None:
            self._ran = {check.id for check in self.result.checks}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Hand the verdicts to a worker of xdist."""
        lines = self.config.stash[VERDICTS]
        node.workerinput["asyncdb"] = {key: asdict(line) for key, line in lines.items()}  # type: ignore[attr-defined]  # a node of xdist has it

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Hear from a worker of xdist why it left the project's tests out."""
        self.gate = self.gate or getattr(node, "workeroutput", {}).get("asyncdb", "")

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
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["asyncdb"] = self.gate
        if self.result is None:
            return
        self._write_reports(self.result)
        clean = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        if self._conftest_failed and clean:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif clean and (nothing_judged(self.result) or self.result.incomplete or self.gate):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Spare the interpreter's end a search through everything that was loaded."""
        gc.freeze()
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if self._told or self.result is None or capture is None:
            return
        # A conftest ended the run before there was a session, with pytest.exit or an error of its own.
        self._ran = {check.id for check in self.result.checks}
        if not self.alone:
            self.gate = f"the project's tests were not run: something ended pytest before; {_WITHOUT_CONFTESTS}"
        self._write_reports(self.result)
        with capture.global_and_fixture_disabled():
            sys.stdout.writelines(f"{line}\n" for line in (*self.pytest_report_header(self.config), *self._summary()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The findings that failed nothing, the criteria, the fixes, and why the tests were not run."""
        self._told = True
        if self.result is not None:
            terminalreporter.section("asyncdb")
            for line in self._summary():
                terminalreporter.write_line(line)

    def _summary(self) -> Iterator[str]:
        from pytest_asyncdb.report.summary import render

        if self.result is None:
            return
        shown = self._failed if self.config.option.tbstyle != "no" else frozenset[str]()
        yield from render(
            only(self.result, self._ran),
            told=shown,
            diff=self.config.known_args_namespace.asyncdb_diff,
            gate=self.gate,
            reports=self._reports,
            encoding=sys.stdout.encoding or "utf-8",
        )
        if nothing_judged(self.result):
            yield "nothing could be checked: every check was skipped, for the reasons above"

    def _write_reports(self, result: Result) -> None:
        from pytest_asyncdb.report.write import write

        for path in self._reports:
            write(result, path)


def _report_files(config: pytest.Config) -> list[Path]:
    from pytest_asyncdb.report.write import ReportError, check

    here = config.invocation_params.dir
    try:
        return [check(here / name) for name in config.known_args_namespace.asyncdb_report]
    except ReportError as error:
        raise pytest.UsageError(f"--asyncdb-report: {error}") from None
