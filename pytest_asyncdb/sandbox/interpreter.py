"""Interpreters of the sandbox's own: each runs one of its modules, and nothing of the project before it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
# A process that lives for a second needs no garbage collection, from its first import on.
_BOOTSTRAP = """\
import gc, sys
gc.disable()
from importlib.util import module_from_spec, spec_from_file_location
if sys.path[0] == "": del sys.path[0]
package = sys.argv[1]
spec = spec_from_file_location("pytest_asyncdb", package + "/__init__.py", submodule_search_locations=[package])
sys.modules["pytest_asyncdb"] = module = module_from_spec(spec)
spec.loader.exec_module(module)
from pytest_asyncdb.sandbox.{module} import main
main(*map(int, sys.argv[2:]))
"""


class Interpreter(subprocess.Popen[bytes]):
    """A process of the sandbox that this process started."""

    def death(self) -> int:
        """Open a descriptor that can be read when it has ended; negative where there is none."""
        return os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else -1


def begin(python: str, module: str, handed: tuple[int, ...], output: int) -> Interpreter:
    """Start a module of the sandbox in an interpreter of its own, outside of this process's group.

    Args:
        python: interpreter; empty means the running one.
        module: its ``main`` gets the descriptors.
        handed: descriptors that it inherits.
        output: where what it prints goes.

    Raises:
        OSError: the interpreter can't be started.
    """
    return Interpreter(
        [python or sys.executable, "-c", _BOOTSTRAP.format(module=module), str(_PACKAGE), *map(str, handed)],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=handed,
        start_new_session=True,
    )
