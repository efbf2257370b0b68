"""The line to the owner: what it says arrives here, and its silence is the leash.

Messages in are length-prefixed ``marshal`` (both ends are the same interpreter, and importing ``json``
takes longer than copying a database cluster); replies out are JSON, one a line.
"""

from __future__ import annotations

import marshal
import os
import select
import time
from _json import encode_basestring_ascii as _quoted  # json itself imports re: 4 ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

POLL_OWNER = 0.1
"""Seconds between two looks at the owner where the kernel offers no pidfd."""


class CutError(Exception):
    """The owner is gone, or has closed the line: stop and clean up."""


class Line:
    """Standard input and output of the supervisor, with the pid of the owner.

    Two leashes: end-of-file on standard input (a forked child of the owner may hold it open), and the
    owner's death itself, seen through a pidfd on Linux and through the parent's pid elsewhere.
    """

    def __init__(self) -> None:
        """Listen on standard input."""
        self._buffer = b""
        self._owner = 0
        self._pidfd = -1
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)

    def watch(self, owner: int) -> None:
        """Hold on to the process ``owner``, our parent.

        Raises:
            CutError: it is gone already.
        """
        try:
            self._pidfd = os.pidfd_open(owner)
            self._poll.register(self._pidfd, select.POLLIN)
        except (AttributeError, OSError):
            self._pidfd = -1  # no pidfd on this system: wait() looks at the parent's pid instead
        self._owner = owner
        if os.getppid() != owner:
            raise CutError

    def wait(self, seconds: float | None = None) -> None:
        """Sleep, at most so long (None: without end), or until the owner says something.

        Raises:
            CutError: the owner is gone or has closed the line.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            nap = left if self._pidfd >= 0 else min(left, POLL_OWNER)
            events = self._poll.poll(None if nap == float("inf") else nap * 1000)
            if any(fd == self._pidfd for fd, _ in events) or (self._owner and os.getppid() != self._owner):
                raise CutError
            if events:
                said = os.read(0, 1 << 20)
                if not said:
                    raise CutError
                self._buffer += said
                return
            if nap == left:
                return

    def receive(self) -> Message:
        """The next message.

        Raises:
            CutError: the owner is gone or has closed the line.
        """
        while len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[:4], "big"):  # noqa: PLR2004 - prefix
            self.wait()
        end = 4 + int.from_bytes(self._buffer[:4], "big")
        message: Message = marshal.loads(self._buffer[4:end])  # noqa: S302 - our own parent wrote it, through a pipe
        self._buffer = self._buffer[end:]
        if not message:  # goodbye; end-of-file would do, but a forked child of the owner may hold the line open
            raise CutError
        return message

    def say(self, event: str, **fields: str | int) -> None:
        """Answer with one JSON line; an owner that no longer listens is no error here."""
        said = {"event": event, **fields}
        pairs = (f'"{name}": {value if isinstance(value, int) else _quoted(value)}' for name, value in said.items())
        try:
            os.write(1, f"{{{', '.join(pairs)}}}\n".encode())
        except BrokenPipeError:
            return  # wait() will see the leash
