"""Which checks exist: the file names of the directory ``checks``, and nothing else, say so."""

from __future__ import annotations

import difflib
import importlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHECKS = "pytest_asyncdb.checks"
_FILE = re.compile(r"adb(?P<number>\d{3})_(?P<slug>[a-z0-9_]+)\.py")


class UnknownCheckError(ValueError):
    """No check has that id, slug or name; the message names the nearest one."""


@cache
def _modules() -> dict[str, str]:
    """Module name by check id, in the order of the ids; reads names only and imports nothing."""
    files = sorted(path.name for path in (Path(__file__).parent / "checks").iterdir())
    found = [(match, file) for file in files if (match := _FILE.fullmatch(file))]
    return {f"ADB{match['number']}": file.removesuffix(".py") for match, file in found}


@cache
def _slugs() -> dict[str, str]:
    return {module.partition("_")[2].replace("_", "-"): check_id for check_id, module in _modules().items()}


def check_ids() -> tuple[str, ...]:
    """The id of every check (``ADB303``), in order. Imports no check."""
    return tuple(_modules())


def check_names() -> tuple[str, ...]:
    """The name of every check (``ADB303-libpq-parameter-in-asyncpg-url``), in order. Imports no check."""
    return tuple(f"{check_id}-{slug}" for slug, check_id in _slugs().items())


def find_id(text: str) -> str:
    """The id that a person means by ``ADB303``, ``libpq-parameter-in-asyncpg-url``, or both joined; case is ignored.

    Raises:
        UnknownCheckError: no check is called that.
    """
    asked = text.strip().lower().replace("_", "-")
    head, _, tail = asked.partition("-")
    if asked.upper() in _modules():
        return asked.upper()
    if asked in _slugs():
        return _slugs()[asked]
    if _slugs().get(tail) == head.upper():
        return head.upper()
    known = [*(check_id.lower() for check_id in _modules()), *_slugs()]
    near = difflib.get_close_matches(asked, known, n=1, cutoff=0.5) or difflib.get_close_matches(tail, known, n=1)
    hint = f"; did you mean {_spoken(near[0])}?" if near else ""
    raise UnknownCheckError(f"no check is called {text.strip()!r}{hint}")


def load(ids: Iterable[str] | None = None) -> tuple[Check, ...]:
    """Import the checks of these ids, slugs or names, or all of them, in the order of their ids.

    Raises:
        UnknownCheckError: one of the texts names no check.
    """
    wanted = None if ids is None else {find_id(one) for one in ids}
    modules = [module for check_id, module in _modules().items() if wanted is None or check_id in wanted]
    return tuple(_declared(importlib.import_module(f"{_CHECKS}.{module}").CHECK) for module in modules)


def _declared(check: object) -> Check:
    if not isinstance(check, Check):
        raise TypeError(f"CHECK is a {type(check).__name__}, not a Check")
    return check


def _spoken(near: str) -> str:
    check_id = near.upper() if near.upper() in _modules() else _slugs()[near]
    return next(name for name in check_names() if name.startswith(check_id))
