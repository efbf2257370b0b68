"""Starting a program that cannot outlive the supervisor."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself imports enum: 5 ms before the server starts
import marshal
import os
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.postgres.supervision.identity import Identity

PR_SET_PDEATHSIG = 1
TICK = 0.001
PATIENCE = 6.0
"""Seconds that a server has to stop at once; its own limit for its children is 5."""
HELPERS = 1.5
"""Seconds that its helpers have to follow it; where nobody reaps orphans, they seem to be there for ever."""
IGNORED = (_signal.SIGINT, _signal.SIGHUP, _signal.SIGTERM)


def ignore_signals() -> None:
    """Leave it to the owner when to end: Ctrl-C and the like are decided there."""
    for number in IGNORED:
        _signal.signal(number, _signal.SIG_IGN)


class _Bond:
    """Has the kernel send a signal when the parent dies (Linux; elsewhere the supervisor's own leashes must do)."""

    def __init__(self, parent: int, death: int) -> None:
        self._parent = parent
        self._death = death
        self._prctl = None
        if sys.platform == "linux":
            with suppress(ImportError):  # a Python built without it has the leashes alone
                import ctypes

                self._prctl = ctypes.CDLL(None).prctl

    def tie(self) -> None:
        """Tie this process to its parent; a change of user would undo it, so it comes after."""
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, self._death, 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(127)


class Program:
    """A child process, forked at once and started by ``go()``.

    The time between the two is used on both sides: the parent writes the program's files while the child
    sets up what it needs to die with its parent.
    """

    def __init__(self, identity: Identity, log: int, *, death: int) -> None:
        """Fork.

        Args:
            identity: as whom the program will run.
            log: file descriptor of its output.
            death: signal it is ended with, also by the kernel when the supervisor dies (Linux).
        """
        gate, self._gate = os.pipe()
        self._status: int | None = None
        self._death = death
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._gate)
            _child(gate, log, identity, parent, death)
        os.close(gate)
        os.setpgid(self.pid, self.pid)  # whoever of the two comes first: signals must not miss it

    def go(self, arguments: list[str], environment: dict[str, str]) -> None:
        """Run the program."""
        try:
            os.write(self._gate, marshal.dumps((arguments, environment)))
        except BrokenPipeError:
            pass  # ended() will tell
        finally:
            os.close(self._gate)

    def ended(self) -> bool:
        """Whether it has exited (it is reaped then)."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None

    @property
    def failed(self) -> bool:
        """Whether it has exited, and not with status 0."""
        return self.ended() and self._status != 0

    def stop(self) -> None:
        """End it and whatever helps it, and wait for that.

        It is asked alone first: its helpers end with it, and one that is killed leaves its shared memory behind, as
        the servers do that initdb runs.
        """
        if not self.ended():
            os.kill(self.pid, self._death)
            _await(self.ended, PATIENCE)
        if not _await(lambda: not self._reach(0), HELPERS):
            self._reach(_signal.SIGKILL)
            _await(self.ended, PATIENCE)

    def _reach(self, number: int) -> bool:
        """Send a signal to the program's process group; whether there was anybody to get it."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # nobody, or (macOS) nobody alive
            return False
        return True


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(TICK)
    return True


def _child(gate: int, log: int, identity: Identity, parent: int, death: int) -> None:
    """Wait for the program's arguments and become it; never returns."""
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        for number in (*IGNORED, _signal.SIGPIPE):
            _signal.signal(number, _signal.SIG_DFL)
        bond = _Bond(parent, death)
        identity.become()  # Python's own files may be out of reach from here on: nothing is imported below
        bond.tie()
        with open(gate, "rb") as arguments:
            said = arguments.read()
        if said:  # nothing: the supervisor gave up
            argv, environment = marshal.loads(said)  # noqa: S302 - our own parent wrote it, through a pipe
            os.execve(argv[0], argv, environment)  # noqa: S606 - no shell wanted
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process must not go on as a second supervisor
        os.write(2, f"{error}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(127)
