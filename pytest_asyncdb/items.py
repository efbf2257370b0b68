"""The pytest side of a check: anchor file -> collector "asyncdb" -> one item per check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

COLLECTOR = "asyncdb"
MARKER = "asyncdb_check"
"""Marks the checks alone; tests of users may have the marker `asyncdb`."""
_ANCHORS = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "requirements.txt", "Pipfile")


@dataclass(frozen=True, slots=True)
class Line:
    """What an item has to say: outcome, reason, and the text of its findings. Strings cross to xdist workers."""

    outcome: str
    reason: str
    text: str


VERDICTS: pytest.StashKey[dict[str, Line]] = pytest.StashKey()


class CheckFailedError(Exception):
    """A check failed; the text is the findings as the user reads them."""


class AnchorFile(pytest.File):
    """A file of the project that carries the checks, so that ``<file>::asyncdb::ADB301-...`` can be pasted back."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield the one collector."""
        yield CheckCollector.from_parent(self, name=COLLECTOR)


class CheckCollector(pytest.Collector):
    """Yields the checks."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item per check, in the order of ids."""
        from pytest_asyncdb.registry import check_names

        for name in check_names():
            yield CheckItem.from_parent(self, name=name)


class CheckItem(pytest.Item):
    """One check. Its verdict was reached before collection; running it tells the verdict."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # pytest types its own keywords
        self.add_marker(COLLECTOR)
        self.add_marker(MARKER)

    def runtest(self) -> None:
        """Pass, skip with the reason, or fail with the findings."""
        check_id = self.name.partition("-")[0]
        line = self.config.stash.get(VERDICTS, {}).get(check_id)
        if line is None:
            raise CheckFailedError(f"{self.name} was not judged: no examination took place")
        if line.outcome == "skipped":
            pytest.skip(line.reason)
        if line.outcome == "failed":
            raise CheckFailedError(line.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]  # text is a legal answer
        """The findings, without a traceback of this plugin."""
        if isinstance(excinfo.value, CheckFailedError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where the item stands, for headings."""
        return self.path, None, self.name


def anchor_of(root: Path, inipath: Path | None) -> Path:
    """An existing file of the project that is the same in every run."""
    if inipath is not None and inipath.is_relative_to(root):
        return inipath
    for name in _ANCHORS:
        if (root / name).is_file():
            return root / name
    from pytest_asyncdb.sources.walk import list_files

    files = (root / path for path in list_files(root).files if path.endswith(".py"))
    found = next((path for path in files if path.is_file()), None)
    if found is None:
        raise pytest.UsageError(f"--asyncdb-check: {root} has no Python file; run pytest in the project's directory")
    return found


def leads_to(argument: Path, anchor: Path, *, named: bool) -> bool:
    """Whether pytest visits the anchor because of this argument."""
    path = argument.resolve()
    return path == anchor or (not named and path.is_dir() and anchor.is_relative_to(path))
