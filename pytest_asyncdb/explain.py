"""The text of ``--asyncdb-explain``: a check's docstring is its documentation."""

from __future__ import annotations

import inspect
import sys

from pytest_asyncdb.registry import load


def explain(asked: str) -> str:
    """The documentation of a check, by id, slug or both.

    Raises:
        UnknownCheckError: there is no such check; the message names the nearest one.
    """
    (check,) = load([asked])
    text = inspect.getdoc(sys.modules[check.module]) or ""
    return f"{check.name} ({check.severity}, since {check.since})\n\n{text}\n"
