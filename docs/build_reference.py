# ruff: noqa: INP001 - a script beside the pages that it writes, no package
"""Writes docs/reference/checks/: one page for each check, from its docstring, and their index.

Run ``python docs/build_reference.py`` after a docstring changed; ``--check`` only says whether pages are up to date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.registry import load

if TYPE_CHECKING:
    from pytest_asyncdb.model.check import Check

PAGES = Path(__file__).parent / "reference" / "checks"
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
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


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
        sys.stdout.writelines(f"not up to date: docs/reference/checks/{name}\n" for name in wrong)
        return int(bool(wrong))
    PAGES.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for name in wrong:
        if name in wanted:
            (PAGES / name).write_text(wanted[name], encoding="utf-8")
        else:
            (PAGES / name).unlink()
    sys.stdout.write(f"{len(wrong)} pages written or removed in {PAGES}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
