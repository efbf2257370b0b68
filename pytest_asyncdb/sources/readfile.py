"""The bytes of one file, whatever stands in its place."""

from __future__ import annotations

import os
import stat

UNREADABLE = "files that can't be read"
TOO_LARGE = "files larger than 1 MB"


def read_file(path: str, limit: int) -> tuple[bytes | None, str]:
    """Read a regular file of up to ``limit`` bytes.

    Returns:
        Its bytes, or None; and why there are none, which is nothing for a pipe, a socket or a device.
    """
    try:
        # A pipe must not be waited for, a terminal not taken.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None, UNREADABLE
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None, ""
        return (None, TOO_LARGE) if status.st_size > limit else (_whole(descriptor, status.st_size), "")
    except OSError:
        return None, UNREADABLE
    finally:
        os.close(descriptor)


def _whole(descriptor: int, size: int) -> bytes:
    """What a file holds that is not larger than it was when it was opened, in one read where that is enough."""
    data = os.read(descriptor, size + 1)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data
