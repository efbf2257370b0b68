"""The interpreter that runs the app: where it looks for packages, and what markers say about it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ASK = """
import json, os, platform, sys
print(json.dumps({"path": [p for p in sys.path if p], "markers": {
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}}))
"""
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter's version, ``sys.path`` and marker values (PEP 508, without ``extra``)."""

    version: str
    path: tuple[str, ...]
    markers: tuple[tuple[str, str], ...]


@cache
def environment_of(python: str = "") -> Environment:
    """Describe an interpreter; an empty path means the running one, which also answers for one that can't be asked."""
    if python and not _is_running(python):
        command = [python, "-I", "-c", _ASK]
        try:
            done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS, text=True)
            told = json.loads(done.stdout)
            markers = {str(key): str(value) for key, value in told["markers"].items()}
            path = tuple(str(one) for one in told["path"])
            return Environment(markers["python_full_version"], path, tuple(markers.items()))
        except (OSError, subprocess.SubprocessError, ValueError, KeyError):
            pass
    from packaging.markers import default_environment

    own = {key: str(value) for key, value in default_environment().items()}
    return Environment(own["python_full_version"], tuple(sys.path), tuple(own.items()))


def _is_running(python: str) -> bool:
    # Not by resolving links: the interpreters of two virtualenvs may be links to the same file.
    return Path(python).absolute() == Path(sys.executable).absolute()
