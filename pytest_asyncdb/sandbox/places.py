"""Which frames are the project's own, and where they stand."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType, TracebackType

    from pytest_asyncdb.model.serial import Json

PlaceJson: TypeAlias = "dict[str, Json]"

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - pathlib is not loaded before the app
_FOREIGN = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", f"{os.sep}node_modules{os.sep}")


class Sources:
    """The project's own files.

    Args:
        root: the project's directory, absolute, symlinks resolved.
    """

    def __init__(self, root: str) -> None:
        """Remember where the project begins and where the interpreter's own files are."""
        self.root = root.rstrip(os.sep) + os.sep
        # A virtualenv inside the project is no project code; a project inside sys.prefix (a checkout under /usr) is.
        prefixes = {os.path.realpath(one) + os.sep for one in (sys.prefix, sys.base_prefix)}
        self._skipped = (_HERE, *(one for one in prefixes if one.startswith(self.root)))
        self._known: dict[str, str | None] = {}

    def relative(self, filename: str) -> str | None:
        """Tell the POSIX path of a file relative to the project, or None when it is not the project's own."""
        try:
            return self._known[filename]
        except KeyError:
            found = self._known[filename] = self._judge(filename)
            return found

    def _judge(self, filename: str) -> str | None:
        if filename.startswith("<"):
            return None
        path = filename if filename.startswith(self.root) else os.path.realpath(filename)
        if not path.startswith(self.root) or path.startswith(self._skipped):
            return None
        inside = path[len(self.root) - 1 :]
        return None if any(part in inside for part in _FOREIGN) else inside[1:].replace(os.sep, "/")

    def caller(self, frame: FrameType | None) -> PlaceJson | None:
        """Find the innermost frame of the project, from ``frame`` outwards."""
        while frame is not None:
            path = self.relative(frame.f_code.co_filename)
            if path is not None:
                return place(path, frame.f_code, frame.f_lineno, frame.f_lasti)
            frame = frame.f_back
        return None

    def traceback(self, traceback: TracebackType | None) -> Iterator[PlaceJson]:
        """Walk the project's frames of a traceback, outermost first."""
        while traceback is not None:
            code = traceback.tb_frame.f_code
            path = self.relative(code.co_filename)
            if path is not None:
                yield place(path, code, traceback.tb_lineno, traceback.tb_lasti)
            traceback = traceback.tb_next

    def definition(self, code: CodeType) -> PlaceJson | None:
        """Find where a function is defined: the line of its ``def``, not of its decorator."""
        path = self.relative(code.co_filename)
        if path is None:
            return None
        import linecache

        first = code.co_firstlineno
        for line in range(first, first + 50):
            text = linecache.getline(code.co_filename, line).lstrip()
            if text.startswith(("def ", "async def ", "class ", "lambda")):
                return {"path": path, "line": line, "column": 0}
        return {"path": path, "line": first, "column": 0}


def place(path: str, code: CodeType, line: int | None, instruction: int) -> PlaceJson:
    """Build a place; the column is known when the interpreter kept it."""
    column = 0
    if instruction >= 0:
        for index, position in enumerate(code.co_positions()):
            if index == instruction // 2:
                if position[2] is not None and position[0] == line:
                    column = position[2] + 1
                break
    return {"path": path, "line": line or 0, "column": column}
