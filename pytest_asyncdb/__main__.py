"""The same run without pytest: ``python -m pytest_asyncdb check | fix | explain | list``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

OK, FAILED, INTERRUPTED, USAGE = 0, 1, 2, 4
"""Exit codes; the same numbers that pytest uses."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the sandbox and the server were stopped\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_asyncdb", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in (
        ("check", "examine a project"),
        ("fix", "examine it, and apply the safe fixes that were proven"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "project", nargs="?", type=Path, default=Path(), help="directory of the project (default: .)"
        )
        command.add_argument("--app", metavar="MODULE:ATTRIBUTE", help="the ASGI app or app factory")
        command.add_argument("--cwd", type=Path, metavar="DIRECTORY", help="the directory that the app is started from")
        command.add_argument(
            "--env", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="a variable for the app"
        )
        command.add_argument("--postgres", default="auto", help="auto, embedded, docker, local or a URL")
        command.add_argument("--fail-on", default="blocks", choices=("blocks", "latent", "advice"))
        command.add_argument("--report", action="append", default=[], type=Path, metavar="FILE", help=".json or .md")
        command.set_defaults(run=_check, repair=name == "fix")
    command = commands.add_parser("explain", help="print the documentation of a check")
    command.add_argument("check", metavar="ID")
    command.set_defaults(run=_explain)
    commands.add_parser("list", help="list the checks").set_defaults(run=_list)
    return parser


def _pair(text: str) -> tuple[str, str]:
    """``NAME=value``, for argparse."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"it takes NAME=value, and {name!r} is not followed by `=` or is no name")
    return name, value


def _check(options: argparse.Namespace) -> int:
    from pytest_asyncdb.model.settings import Settings
    from pytest_asyncdb.postgres.protocol import to_stderr
    from pytest_asyncdb.report.terminal import render, render_header
    from pytest_asyncdb.report.write import ReportError, check, write
    from pytest_asyncdb.run import RunError, analyse

    root = options.project.resolve()
    settings = Settings(
        root,
        app=options.app,
        cwd=(root / options.cwd).resolve() if options.cwd else None,
        env=tuple(options.env),
        postgres=options.postgres,
        fail_on=options.fail_on,
    )
    try:
        reports = [check(path) for path in options.report]
        result = analyse(settings, repair=options.repair, tell=to_stderr)
    except (RunError, ReportError) as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE
    sys.stdout.write("\n".join([*render_header(result), "", render(result, encoding=sys.stdout.encoding)]))
    for path in reports:
        write(result, path)
    judged = {outcome.outcome for outcome in result.checks}
    return FAILED if "failed" in judged or judged == {"skipped"} or result.incomplete else OK


def _explain(options: argparse.Namespace) -> int:
    from pytest_asyncdb.explain import explain
    from pytest_asyncdb.registry import UnknownCheckError

    try:
        sys.stdout.write(explain(options.check))
    except UnknownCheckError as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE
    return OK


def _list(_: argparse.Namespace) -> int:
    from pytest_asyncdb.registry import load

    for check in load():
        sys.stdout.write(f"{check.id}  {check.severity:<7} {check.slug}\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())
