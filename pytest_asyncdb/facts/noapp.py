"""What is said of a project in which no app was found, or not the one that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.facts.appscan import scan
from pytest_asyncdb.facts.candidates import candidate, hidden_by, suffixes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.facts.candidates import Candidate
    from pytest_asyncdb.sources.project import Project

_SHOWN = 3


def examples(project: Project, target: str) -> str:
    """What could have been meant, the likest first."""
    from difflib import SequenceMatcher

    found = [candidate(project, one, "").target for one in scan(project)]
    found.sort(key=lambda one: -SequenceMatcher(None, one, target).ratio())
    return ", ".join(f"`{one}`" for one in found[:_SHOWN]) or "`src.main:app`"


def no_module(project: Project, source: str, target: str, module: str) -> str:
    """Say that the module of the app that was named is not there."""
    return (
        f"{source} is {target!r}, but no module `{module}` was found: looked for "
        f"{' and '.join(suffixes(module))} in {project.root} and below. The project defines: "
        f"{examples(project, target)}"
    )


def nothing_found(project: Project, unimportable: Sequence[Candidate]) -> str:
    """Say what was looked for and where, or why nothing can import what was found, and each way out."""
    if unimportable:
        path = unimportable[0].path
        return f"no server can import the app of {path}: the package {hidden_by(project, path)} has its name"
    left_out = [one.path for one in scan(project, "script")]
    also = f" (or a file: `--asyncdb-app={left_out[0]}`)" if left_out else ""
    return (
        f"no ASGI app was found in {project.root}: looked for `[tool.fastapi] entrypoint`; for uvicorn, gunicorn, "
        "hypercorn, granian, fastapi, litestar, quart and sanic commands in Procfile, Dockerfile, compose files, "
        "Makefile, scripts and Python sources; and for FastAPI(), Starlette(), Litestar(), Quart(), Sanic() or a "
        f"factory such as create_app() in {len(project.python_files)} Python files (tests, examples, virtualenvs "
        "and templates left out). Ways out: set `asyncdb_app = module:attribute` in the pytest configuration, give "
        f"`--asyncdb-app=module:attribute`{also}, or run pytest in the folder that holds the app; a project without an "
        "app says `asyncdb_app = none`"
    )
