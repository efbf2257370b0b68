"""The report for a terminal or a CI log: plain text that reads well at 80 columns without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.report import summary
from pytest_asyncdb.report.finding import render_finding
from pytest_asyncdb.report.layout import WIDTH, shown

if TYPE_CHECKING:
    from pytest_asyncdb.model.result import Result

__all__ = ["render", "render_finding", "render_header"]


def render(result: Result, *, width: int = WIDTH, encoding: str = "utf-8") -> str:
    r"""Render the whole run.

    Args:
        result: the run.
        width: columns of the terminal; code in a diff is never wrapped.
        encoding: of the terminal; characters it lacks are written as ``\xNN``, ``\uNNNN``.
    """
    return "\n".join(summary.render(result, width=width, encoding=encoding)) + "\n"


def render_header(result: Result, *, verbose: bool = False) -> list[str]:
    """Render the lines for pytest's header: each app, the server, the driver; verbose: what was left out."""
    if result.app is None:
        lines = [f"asyncdb: {'no app found' if result.incomplete else 'no app'}; only the sources were read"]
    else:
        apps = result.apps or (result.app,)
        lines = [f"asyncdb: app {app.name if len(apps) > 1 else app.target}, from {app.found_in}" for app in apps]
    if verbose:
        lines += [f"asyncdb: {line}" for line in result.left_out]
    driver = dict(result.environment).get("driver", "")
    if result.server is None:
        lines.append("asyncdb: no server was started")
    else:
        server = f"asyncdb: Postgres {result.server.version} ({result.server.provider}), "
        lines.append(f"{server}ready in {result.server.seconds:.2f} s" + (f"; driver {driver}" if driver else ""))
        if verbose:
            lines += [f"asyncdb: {name} not used: {reason}" for name, reason in result.server.not_used]
    return [shown(line) for line in lines]
