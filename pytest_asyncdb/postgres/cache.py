"""The cached templates of server directories: what there is of them, and how to be rid of them."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = "templates"
_OURS = re.compile(r"[0-9a-f]{24}(\.[0-9a-f]{8})?")
"""A template, or one that is being written."""
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was removed, and what could not be."""

    folder: Path
    files: int
    size: int
    failed: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the user, and one for each failure."""
        if not (self.files or self.failed):
            return f"asyncdb: there is no cached template in {self.folder}"
        many = "template" if self.files == 1 else "templates"
        line = f"asyncdb: removed {self.files} cached {many} ({self.size / _MB:.1f} MB) from {self.folder}"
        return "\n".join((line, *(f"asyncdb: could not remove {why}" for why in self.failed)))


def clear() -> Cleared:
    """Remove all cached templates; the next server of each kind makes a new one.

    That is safe at any moment, for servers that are being started too: a template is put in place whole, under its
    name, and read through the open file. Other files in the folder are left alone.
    """
    import platformdirs

    folder = platformdirs.user_cache_path("pytest-asyncdb") / TEMPLATES
    files, size, failed = 0, 0, []
    for path in sorted(folder.glob("*")):
        try:
            status = path.lstat()
            if not (_OURS.fullmatch(path.name) and stat.S_ISREG(status.st_mode)):
                continue
            path.unlink()
        except FileNotFoundError:
            continue  # somebody else is clearing, too
        except OSError as error:
            failed.append(f"{os.fspath(path)}: {error.strerror}")
            continue
        files, size = files + 1, size + status.st_size
    return Cleared(folder, files, size, tuple(failed))
