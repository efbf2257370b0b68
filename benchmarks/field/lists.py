"""Lists of real projects, in two formats, as cases: a commit, and what has to be said of it.

- *apps*: entries with ``expected`` (``file``, ``line``, ``kind``, ``real``): faults, and look-alikes that are none.
- *fixes*: entries with ``before_sha``, ``after_sha``, ``class``, ``files``: the fault is there before and gone after.
  One with ``trap`` is right as it is; ``would_flag`` names the kinds that naive tools report there.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Spot:
    """A file, and the lines that the list names in it; a fault of a whole file has none."""

    file: str
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Expected:
    """One thing of which the list says whether it is a fault, and where it shows: at any of these spots."""

    spots: tuple[Spot, ...]
    kinds: tuple[str, ...]
    real: bool
    why: str


@dataclass(frozen=True)
class Case:
    """One commit of one project."""

    name: str
    repo: str
    commit: str
    subdir: str
    """Where its app stands, or the file that is at fault: the project is the nearest folder from there up."""
    python: str | None
    app: str | None
    """The app that a person found, ``module:attribute``; None where there is none."""
    boots: bool
    """Whether a person got it to boot."""
    secrets: tuple[str, ...]
    expected: tuple[Expected, ...]


def read(path: Path) -> list[Case]:
    """Read a list; its format is told by its entries.

    Raises:
        ValueError: it is neither format.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} is no list of projects")
    if all("expected" in one and "commit" in one for one in entries):
        return [_app(one) for one in entries]
    if all("before_sha" in one for one in entries):
        return [case for one in entries for case in _fix(one)]
    raise ValueError(f"{path}: entries have neither `commit` and `expected` nor `before_sha`")


def _app(entry: dict[str, Any]) -> Case:
    boot = entry.get("boot") or {}
    return Case(
        name=entry["name"],
        repo=entry["repo"],
        commit=entry["commit"],
        subdir=entry.get("subdir") or "",
        python=entry.get("python"),
        app=_target(entry.get("app")),
        boots=bool(boot.get("ok")),
        secrets=tuple(entry.get("env") or ()),
        expected=tuple(
            Expected((Spot(one["file"], _lines(one)),), (one["kind"],), bool(one["real"]), one.get("why") or "")
            for one in entry["expected"]
        ),
    )


def _fix(entry: dict[str, Any]) -> list[Case]:
    """Take a fix for two commits; the spots of the one after are where the fault was: it must not be told any more."""
    if entry.get("trap"):
        spots = [_commit(entry, "before", entry["id"], kinds=(kind,), real=False) for kind in entry["would_flag"] or ()]
        return [replace(spots[0], expected=tuple(one for case in spots for one in case.expected))] if spots else []
    kinds = (entry["class"],)
    cases = [_commit(entry, "before", f"{entry['id']}@before", kinds=kinds, real=True)]
    if entry.get("after_sha") and entry["after_sha"] != entry["before_sha"]:
        cases.append(_commit(entry, "after", f"{entry['id']}@after", kinds=kinds, real=False))
    return cases


def _commit(entry: dict[str, Any], when: str, name: str, *, kinds: tuple[str, ...], real: bool) -> Case:
    spots = tuple(Spot(one["path"], _lines(one)) for one in entry["files"])
    why = "; ".join(one.get("text_summary") or "" for one in entry["files"])
    return Case(
        name=name,
        repo=entry["repo"],
        commit=entry[f"{when}_sha"],
        subdir=posixpath.dirname(spots[0].file) if spots else "",
        python=entry.get("python"),
        app=None,
        boots=False,
        secrets=(),
        expected=(Expected(spots, kinds, real, why),),
    )


def _lines(entry: dict[str, Any]) -> tuple[int, ...]:
    return tuple(line for line in (entry.get("line"), *(entry.get("also_lines") or ())) if line)


def _target(text: str | None) -> str | None:
    match = re.match(r"[\w.]+:\w+", text or "")
    return match[0] if match else None
