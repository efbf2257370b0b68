"""Takes a container away when its owner is gone, at whatever moment that was."""

from __future__ import annotations

import time

from pytest_asyncdb.postgres.supervision.engine import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_asyncdb.postgres.supervision.engine import Endpoint

IN_FLIGHT = 3.0
"""Seconds in which a container may still appear whose creation was asked for just before the owner died."""
STEP = 0.1
NOT_FOUND = 404
DONE = 300


def remove_container(endpoint: Endpoint, name: str, *, exists: bool) -> None:
    """Remove it with its volumes, running or not.

    Args:
        endpoint: of the engine.
        name: of the container.
        exists: whether the owner saw it made; if not, wait for a while whether it still appears.
    """
    end = time.monotonic() + IN_FLIGHT
    while time.monotonic() < end:
        try:
            status, _ = ask(endpoint, "DELETE", f"/containers/{name}?force=1&v=1")
        except OSError:
            status = 0
        if status and (status < DONE or (exists and status == NOT_FOUND)):
            return
        time.sleep(STEP)
