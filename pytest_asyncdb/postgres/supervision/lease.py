"""Time after the end of the run: asked for by an owner that wants its server looked at, and limited."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_asyncdb.postgres.supervision.wire import Line

LEASE = "work/keep"
"""The owner writes seconds into it before it goes; whoever removes it ends the server. Relative to the directory."""
LONGEST = 24 * 3600.0
STEP = 0.2


def linger(line: Line) -> None:
    """Hold on as long as the owner has asked for; it asks only when all is done, so a killed one asks for nothing."""
    seconds = _granted()
    if not seconds:
        return
    line.say("stopped")  # the owner waits for that, and need not wait for us
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.path.exists(LEASE):  # noqa: PTH110 - importing pathlib takes too long here
        time.sleep(STEP)


def _granted() -> float:
    try:
        with open(LEASE, "rb") as file:  # noqa: PTH123 - as above
            return min(float(file.read()), LONGEST)
    except (OSError, ValueError):
        return 0.0
