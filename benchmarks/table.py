"""Measurements taken in turns, and the Markdown table of them."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from peers import NotHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Way = Callable[[], Sequence[float]]
    """Does it once; gives the seconds of each of its steps."""


@dataclass
class Table:
    """Rows of ways that are measured in turns, so that a noisy minute hits all of them alike."""

    steps: tuple[str, ...]
    """Names of what each way is measured in."""
    times: dict[str, list[Sequence[float]]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def measure(self, ways: Mapping[str, Way], rounds: int) -> None:
        """Do everything once for warming up, then ``rounds`` times; one that cannot be done is named."""
        for number in range(rounds + 1):
            for name, way in ways.items():
                if name in self.absent:
                    continue
                try:
                    measured = way()
                except NotHereError as error:
                    self.absent[name] = str(error)
                    continue
                except Exception as error:  # noqa: BLE001 - a peer that fails here is told, and the others are measured
                    self.absent[name] = (
                        f"failed: {type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}"
                    )
                    continue
                if number:
                    self.times.setdefault(name, []).append(measured)
            sys.stderr.write(f"round {number} of {rounds}\n")

    def median(self, name: str, step: int = 0) -> float:
        """Seconds."""
        return statistics.median(one[step] for one in self.times[name])

    def print(self, than: str) -> None:
        """The table, with each first step's ratio to that of ``than``."""
        print(f"| way | {' | '.join(f'{step}, ms (least)' for step in self.steps)} | x {than} |")
        print(f"|---|{'---|' * (len(self.steps) + 1)}")
        for name in self.times:
            cells = []
            for step in range(len(self.steps)):
                least = min(one[step] for one in self.times[name])
                cells.append(f"{self.median(name, step) * 1000:.1f} ({least * 1000:.1f})")
            ratio = f"{self.median(name) / self.median(than):.2f}" if than in self.times else "-"
            print(f"| {name} | {' | '.join(cells)} | {ratio} |")
        for name, why in self.absent.items():
            print(f"| {name} | {' | '.join('-' for _ in self.steps)} | {why} |")
