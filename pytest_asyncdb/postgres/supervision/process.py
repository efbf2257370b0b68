"""Starting a program that cannot outlive the supervisor."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself imports enum: 5 ms before the server starts
import marshal
import os
import sys
import time
from abc import ABC, abstractmethod

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
        self._prctl = _find_prctl() if sys.platform == "linux" else None

    def tie(self) -> None:
        """Tie this process to its parent; a change of user would undo it, so it comes after."""
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, self._death, 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(127)


def _find_prctl() -> Callable[..., object] | None:
    """The system's ``prctl``, past ctypes if possible, whose import takes 6 ms; None in a Python built without it."""
    try:
        import _ctypes

        address = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # the stub knows names only
        call = _ctypes.call_function
    except (ImportError, AttributeError, OSError):
        try:
            import ctypes
        except ImportError:  # the leashes alone must do
            return None
        return ctypes.CDLL(None).prctl
    return lambda *arguments: call(address, arguments)


class Child(ABC):
    """A child process that cannot outlive the supervisor. Subclasses say what it does."""

    def __init__(self, identity: Identity, log: int, *, death: int, bound: bool = True) -> None:
        """Fork.

        Args:
            identity: as whom it works.
            log: file descriptor of its output.
            death: signal it is ended with.
            bound: whether the kernel sends that signal when the supervisor dies (Linux).
        """
        self._status: int | None = None
        self._death = death
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            _child(self._work, log, identity, _Bond(parent, death) if bound else None)
        os.setpgid(self.pid, self.pid)  # whoever of the two comes first: signals must not miss it

    @abstractmethod
    def _work(self) -> None:
        """In the child; nothing can be imported any more, because Python's own files may be out of reach."""

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


class Program(Child):
    """A program, whose process is forked at once and which is started by ``go()``.

    The time between the two is used on both sides: the parent writes the program's files while the child
    sets up what it needs to die with its parent.
    """

    def __init__(self, identity: Identity, log: int, *, death: int) -> None:
        """Fork; see ``Child``."""
        self._waiting, self._gate = os.pipe()
        super().__init__(identity, log, death=death)
        os.close(self._waiting)

    def go(self, arguments: list[str], environment: dict[str, str]) -> None:
        """Run the program."""
        try:
            said = marshal.dumps((arguments, environment))
            os.write(self._gate, len(said).to_bytes(4, "big") + said)
        except BrokenPipeError:
            pass  # ended() will tell
        finally:
            os.close(self._gate)

    def _work(self) -> None:
        os.close(self._gate)
        size = int.from_bytes(
            os.read(self._waiting, 4), "big"
        )  # a later child may hold the pipe open: end-of-file waits
        said = b""
        while len(said) < size and (more := os.read(self._waiting, size - len(said))):
            said += more
        if said:  # nothing: the supervisor gave up
            argv, environment = marshal.loads(said)  # noqa: S302 - our own parent wrote it, through a pipe
            os.execve(argv[0], argv, environment)  # noqa: S606 - no shell wanted


class Task(Child):
    """Work of our own, beside the supervisor and as the server's user; it failed when it raised or gave False."""

    def __init__(self, identity: Identity, log: int, work: Callable[[], bool]) -> None:
        """Begin; see ``Child``."""
        self._do = work
        super().__init__(identity, log, death=_signal.SIGKILL, bound=False)  # it ends by itself, soon

    def _work(self) -> None:
        if self._do():
            os._exit(0)


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(TICK)
    return True


def _child(work: Callable[[], None], log: int, identity: Identity, bond: _Bond | None) -> None:
    """Be the child; never returns."""
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        for number in (*IGNORED, _signal.SIGPIPE):
            _signal.signal(number, _signal.SIG_DFL)
        identity.become()
        if bond is not None:
            bond.tie()
        work()
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process must not go on as a second supervisor
        os.write(2, f"{error}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(127)
