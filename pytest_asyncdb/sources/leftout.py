"""What of a project's tree is not read, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A folder or file that is left out; ``files`` counts those seen in it, which is one for a folder not entered."""

    kind: str
    path: str
    files: int = 1


def counted(pairs: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """One statement for each kind and path, in order."""
    return tuple(LeftOut(kind, path, files) for (kind, path), files in sorted(Counter(pairs).items()))


def told(left_out: Iterable[LeftOut]) -> tuple[str, ...]:
    """One line for each kind: ``left out: virtual environments: env/ (2013 files), tools/venv/``."""
    by_kind: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_kind.setdefault(one.kind, []).append(one)
    return tuple(f"left out: {kind}: {_paths(found)}" for kind, found in by_kind.items())


def _paths(found: list[LeftOut]) -> str:
    largest = sorted(found, key=lambda one: (-one.files, one.path))
    shown = [f"{one.path} ({one.files} files)" if one.files > 1 else one.path for one in largest[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(found) - _SHOWN} more" if found[_SHOWN:] else "")
