"""Who made a thing that outlived its maker, and whether that process is still there."""

from __future__ import annotations

import os
from pathlib import Path


def tag(pid: int | None = None) -> str:
    """Names a process of this machine for good, this one unless told otherwise: machine, process, when it began."""
    pid = os.getpid() if pid is None else pid
    return f"{_machine()}/{pid}/{_began(pid)}"


def abandoned(owner: str) -> bool:
    """Whether the process that ``owner`` names ran on this machine and is gone.

    False for another machine's: it cannot be asked from here. What follows a ``#`` tells several of its things apart.
    """
    machine, _, process = owner.partition("#")[0].partition("/")
    pid, _, began = process.partition("/")
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it exists and is somebody else's
    return _began(int(pid)) != began


def _machine() -> str:
    """This boot of this machine, and on Linux the namespace that process ids belong to."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        import platform

        return platform.node()


def _began(pid: int) -> str:
    """When the process began, in the kernel's own count; empty where it does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19]
