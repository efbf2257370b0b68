"""What git says about single files."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 10


def holds_clean(root: Path, path: str) -> bool:
    """Whether git could give back the file exactly as it is on disk: tracked, and neither changed nor staged.

    Without git, outside a work tree, or when git does not answer within 10 s, the answer is no.
    """
    command = ["git", "-C", str(root), "--no-optional-locks", "status", "--porcelain=v1", "--ignored", "--", path]
    try:
        tracked = subprocess.run(
            ["git", "-C", str(root), "ls-files", "--error-unmatch", "--", path],  # noqa: S607 - git as the user has it
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        status = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tracked.returncode == 0 and status.returncode == 0 and not status.stdout.strip()
