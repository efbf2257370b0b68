"""What a child is doing, in words for somebody who waits: read from what it told so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_asyncdb.model.serial import Json

_PHASES = {
    "import": "importing {target}",
    "create": "making the app with {target}",
    "startup": "waiting for the app's startup",
    "probe": "connecting with the app's engines",
    "requests": "asking the app's routes",
    "outage": "asking the app with its database down and up again",
    "shutdown": "waiting for the app's shutdown",
    "modules": "importing the app's other modules",
    "migrate": "running the migrations",
}


def doing(events: Sequence[dict[str, Json]], target: str) -> tuple[str, str]:
    """The phase that runs, and where in it the project's code stood when that was last asked.

    Args:
        events: what the child told.
        target: what it was asked to boot.

    Returns:
        Both empty between two phases and after the end.
    """
    phase, place = "import", ""
    for event in events:
        if event["t"] == "begin":
            phase, place = str(event["name"]), ""
        elif event["t"] in ("phase", "end"):
            phase = place = ""
        elif event["t"] == "at":
            place = _place(event)
    return (_PHASES.get(phase, phase).format(target=target), place) if phase else ("", "")


def _place(event: dict[str, Json]) -> str:
    own, package = event["place"], str(event["package"])
    line = f"{own['path']}:{own['line']}" if isinstance(own, dict) else ""
    within = f"in {package}" if package else ""
    return ", ".join(part for part in (f"now at {line}" if line else "", within) if part)
