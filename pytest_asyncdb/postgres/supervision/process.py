"""Starting a program that cannot outlive the supervisor."""

# ruff: noqa: PTH123 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import _signal
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.postgres.supervision.identity import Identity

PR_SET_PDEATHSIG = 1
IGNORED = (_signal.SIGINT, _signal.SIGHUP, _signal.SIGTERM)


def ignore_signals() -> None:
    """Leave it to the owner when to end: Ctrl-C and the like are decided there."""
    for number in IGNORED:
        _signal.signal(number, _signal.SIG_IGN)


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
        self.death = death
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            _child(gate, self._gate, log, identity, death, parent)
        os.close(gate)

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

    def signal(self, number: int) -> None:
        """Send a signal, unless it has exited."""
        if not self.ended():
            os.kill(self.pid, number)


def _child(gate: int, other: int, log: int, identity: Identity, death: int, parent: int) -> None:
    """Wait for the program's arguments and become it; never returns."""
    try:
        os.close(other)
        null = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        for number in (*IGNORED, _signal.SIGPIPE):
            _signal.signal(number, _signal.SIG_DFL)
        bind = _binding_to_parent(death)
        identity.become()  # Python's own files may be out of reach from here on: nothing is imported below
        bind()
        if os.getppid() != parent:
            os._exit(127)
        with open(gate, "rb") as arguments:
            said = arguments.read()
        if said:  # nothing: the supervisor gave up
            argv, environment = marshal.loads(said)  # noqa: S302 - our own parent wrote it, through a pipe
            os.execve(argv[0], argv, environment)  # noqa: S606 - no shell wanted
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process must not go on as a second supervisor
        os.write(2, f"{error}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(127)


def _binding_to_parent(death: int) -> Callable[[], object]:
    """What makes the kernel send ``death`` when the parent dies; a change of user would undo it, so it comes after."""
    if sys.platform != "linux":
        return lambda: None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)
