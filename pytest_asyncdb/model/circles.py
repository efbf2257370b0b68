"""Circular imports in words: which modules, and which line of each imports the next."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.place import Place
    from pytest_asyncdb.sandbox.record import ErrorRecord


def circle_of(facts: Facts, error: ErrorRecord, unfinished: str) -> tuple[tuple[str, ...], str]:
    """The modules in import order, the first one again at the end, with words about each step; empty when unknown.

    The traceback's frames, from the module that was not finished to the one that asked for its name, are the circle.
    """
    by_path = {module.path: module.name for module in facts.modules}
    steps: list[tuple[str, Place]] = []
    for frame in error.frames:
        name = by_path.get(frame.path)
        if name and steps and steps[-1][0] == name:
            steps[-1] = (name, frame)
        elif name:
            steps.append((name, frame))
    names = [name for name, _ in steps]
    if unfinished not in names:
        return known_circle(facts, {unfinished})
    own = steps[names.index(unfinished) :]
    return (*(name for name, _ in own), unfinished), _edges([*own, (unfinished, own[0][1])])


def known_circle(facts: Facts, modules: set[str]) -> tuple[tuple[str, ...], str]:
    """A circle of the sources that goes through these modules."""
    cycle = next((one for one in facts.cycles if modules <= set(one.modules)), None)
    if cycle is None:
        return (), ""
    circle = (*cycle.modules, cycle.modules[0])
    return circle, _edges([*zip(circle, (*cycle.places, cycle.places[0]), strict=True)])


def _edges(steps: list[tuple[str, Place]]) -> str:
    """`` src/a.py:1 imports src.b, src/b.py:1 imports src.a.``."""
    told = [f"{place.path}:{place.line} imports {then}" for (_, place), (then, _) in pairwise(steps)]
    return f" {', '.join(told)}." if told else ""
