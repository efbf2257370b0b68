# ruff: noqa: INP001 - a script beside the pages that it writes, no package
"""Writes docs/reference/checks/: one page for each check, from its docstring, and their index; and suites.md beside it.

Run ``python docs/build_reference.py`` after a docstring changed; ``--check`` only says whether pages are up to date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb import suite
from pytest_asyncdb.registry import load
from pytest_asyncdb.suite.statements import statement_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.check import Check

PAGES = Path(__file__).parent / "reference" / "checks"
SUITES = Path(__file__).parent / "reference" / "suites.md"
STAGES = {
    "0": "The tool itself",
    "1": "Dependencies and installed versions",
    "2": "Imports",
    "3": "URL and driver",
    "4": "Engine and pool",
    "5": "Session and transaction",
    "6": "Migrations",
    "7": "Startup, routes, health, auth, shutdown",
    "8": "The test suite and event loops",
    "9": "The server and poolers in front of it",
}
"""What the hundreds of an id say: where in an application's life the fault sits."""
_INTRODUCTION = (
    "The hundreds of an id say where in an application's life the fault sits. An id that is retired is never used "
    "again. Each page is what `pytest --asyncdb-explain=ID` prints."
)
_ABOUT_SUITES = (
    "What each test of the [conformance suites](../how-to/conformance.md) expects, and the statement of SQLAlchemy's "
    "documentation that it stands for. The words in quotes are there to find the place by; the rest is ours. A test "
    "whose statement came with a later version of SQLAlchemy is skipped on earlier ones."
)
SEVERITIES = {
    "blocks": "blocks the start",
    "latent": "latent: the app starts, the fault shows later",
    "advice": "advice: it works as it is",
}


def pages() -> dict[str, str]:
    """Every file of the reference of checks, by its name."""
    checks = load()
    return {f"{check.id}.md": _page(check) for check in checks} | {"README.md": _index(checks)}


def outdated() -> list[str]:
    """What differs on disk: names of files that are missing, wrong, or of no check."""
    wanted = pages()
    there = {path.name: path.read_text("utf-8") for path in PAGES.glob("*.md")}
    wrong = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    up_to_date = SUITES.is_file() and SUITES.read_text("utf-8") == suites_page()
    return wrong if up_to_date else [*wrong, SUITES.name]


def suites_page() -> str:
    """The reference of the conformance suites."""
    suites = [getattr(suite, name) for name in suite.__all__ if name.endswith("Suite") and name != "Suite"]
    parts = ["# Conformance suites", _ABOUT_SUITES]
    for one in suites:
        rows = ["| test | what it expects | documented |", "|---|---|---|", *_suite_rows(one)]
        parts += [f"## {one.__name__}", inspect.getdoc(one) or "", "\n".join(rows)]
    return "\n\n".join(parts).replace("``", "`") + "\n"


def _suite_rows(one: type) -> Iterator[str]:
    tests = {
        name: getattr(one, name) for base in reversed(one.__mro__) for name in vars(base) if name.startswith("test")
    }
    for name, test in tests.items():
        statement = statement_of(test)
        if statement is not None:
            expected = " ".join((inspect.getdoc(test) or "").split()).replace("|", "\\|")
            since = f", since {'.'.join(map(str, statement.since))}" if statement.since else ""
            place = f'"{statement.phrase}", [{statement.section}]({statement.url()}){since}'
            yield f"| `{name}` | {expected} | {place} |"


def _page(check: Check) -> str:
    summary, _, body = _documentation(check).partition("\n\n")
    needs = ", ".join(f"[{one}]({one}.md)" for one in check.requires)
    rows = [
        f"- Severity: {SEVERITIES[check.severity]}, unless a finding says otherwise",
        f"- Since: {check.since}",
        *([f"- Judged only without a blocking finding of: {needs}"] if needs else []),
        f"- On the command line: `pytest --asyncdb-explain={check.id}`",
    ]
    facts = "\n".join(rows)
    return f"# {check.id} {check.slug}\n\n{summary}\n\n{facts}\n\n{body.strip()}\n"


def _index(checks: tuple[Check, ...]) -> str:
    parts = ["# Checks", _INTRODUCTION]
    for digit, title in STAGES.items():
        rows = [
            f"| [{check.id}]({check.id}.md) | {_documentation(check).partition(chr(10))[0]} | {check.severity} |"
            for check in checks
            if check.id[3] == digit
        ]
        if rows:
            parts += [f"## {title}", "\n".join(["| id | fault | severity |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _documentation(check: Check) -> str:
    text = inspect.getdoc(sys.modules[check.module])
    if not text:
        raise ValueError(f"{check.module} has no docstring")
    return text


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are not up to date."""
    wrong = outdated()
    if "--check" in arguments:
        sys.stdout.writelines(f"not up to date: {(_path(name)).relative_to(PAGES.parent)}\n" for name in wrong)
        return int(bool(wrong))
    PAGES.mkdir(parents=True, exist_ok=True)
    wanted = pages() | {SUITES.name: suites_page()}
    for name in wrong:
        if name in wanted:
            _path(name).write_text(wanted[name], encoding="utf-8")
        else:
            _path(name).unlink()
    sys.stdout.write(f"{len(wrong)} pages written or removed in {PAGES.parent}\n")
    return 0


def _path(name: str) -> Path:
    return SUITES if name == SUITES.name else PAGES / name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
