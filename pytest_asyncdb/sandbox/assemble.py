"""From the child's events to a ``BootRecord``."""

from __future__ import annotations

import re
import signal
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_asyncdb.model.place import Place
from pytest_asyncdb.model.serial import from_json
from pytest_asyncdb.sandbox.record import (
    BootRecord,
    ConnectionRecord,
    EndRecord,
    EngineRecord,
    FactoryRecord,
    ImportRecord,
    LogRecord,
    MigrationRecord,
    PhaseRecord,
    RefusedRecord,
    ResponseRecord,
    RouteRecord,
    RouterRecord,
    SampleRecord,
    SwallowedRecord,
)
from pytest_asyncdb.urls.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.gather import Line

T = TypeVar("T")

_LOGS = 200
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


@dataclass(slots=True)
class Story:
    """All that came out of a child."""

    events: list[dict[str, Json]]
    output: Iterable[Line]
    returncode: int
    killed: bool
    secrets: tuple[str, ...] = field(repr=False)


def assemble(target: str, root: str, story: Story) -> BootRecord:
    """Build the record.

    Args:
        target: what was booted.
        root: the project's directory.
        story: what the child told and how it ended.
    """
    redactor = Redactor(story.secrets)
    inside = f"{root.rstrip('/')}/"
    events = [_clean(event, redactor, inside) for event in story.events]
    lines = [LogRecord(one.phase, one.source, "", "", redactor.text(one.text)) for one in story.output]
    heard = deque(_all(events, "log", LogRecord), maxlen=_LOGS)
    return BootRecord(
        target=target,
        framework=next((str(one["name"]) for one in events if one["t"] == "framework" and one["name"]), None),
        phases=tuple(_phases(events, story)),
        end=_end(events, lines, root, story),
        engines=tuple(_merged(events, "engine", EngineRecord)),
        factories=tuple(_merged(events, "factory", FactoryRecord)),
        connections=tuple(_all(events, "connection", ConnectionRecord)),
        refused=tuple(_merged(events, "refused", RefusedRecord)),
        imports=tuple(_all(events, "import", ImportRecord)),
        swallowed=tuple(_all(events, "swallowed", SwallowedRecord)),
        routes=tuple(_all(events, "route", RouteRecord)),
        routers=tuple(_all(events, "router", RouterRecord)),
        responses=tuple(_all(events, "response", ResponseRecord)),
        outages=tuple(_all(events, "outage", ResponseRecord)),
        samples=tuple(_all(events, "sample", SampleRecord)),
        logs=(*heard, *lines),
        versions=tuple(
            (str(name), str(version)) for one in events if one["t"] == "versions" for name, version in one["versions"]
        ),
        migration=next(iter(_all(events, "migration", MigrationRecord)), None),
    )


def _clean(value: Any, redactor: Redactor, inside: str) -> Any:
    """Mask secrets, and name files of the project as everywhere else: relative to it."""
    if isinstance(value, str):
        return redactor.text(value).replace(inside, "" if inside != "/" else inside)
    if isinstance(value, list):
        return [_clean(one, redactor, inside) for one in value]
    return {name: _clean(one, redactor, inside) for name, one in value.items()} if isinstance(value, dict) else value


def _all(events: list[dict[str, Any]], kind: str, cls: type[T]) -> list[T]:
    return [from_json(cls, event) for event in events if event["t"] == kind]


def _merged(events: list[dict[str, Any]], kind: str, cls: type[T]) -> list[T]:
    """Lay the events about one thing over each other; numbers become 1, 2, 3 in the order of making."""
    found: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["t"] == kind:
            found.setdefault(event["number"], {}).update(event)
    order = {number: index for index, number in enumerate(found, 1)}
    return [
        from_json(cls, {**told, "number": order[number], "wraps": order.get(told.get("wraps") or 0)})
        for number, told in found.items()
    ]


def _phases(events: list[dict[str, Any]], story: Story) -> list[PhaseRecord]:
    """All phases that ended, and the one that the child died in."""
    phases = _all(events, "phase", PhaseRecord)
    begun = [str(event["name"]) for event in events if event["t"] == "begin"]
    if len(begun) > len(phases):
        phases.append(
            PhaseRecord(
                begun[-1], ok=False, seconds=0.0, timed_out=story.killed, note="the process ended in this phase"
            )
        )
    return phases


def _end(events: list[dict[str, Any]], lines: list[LogRecord], root: str, story: Story) -> EndRecord:
    told = _all(events, "end", EndRecord)
    if told:
        return told[-1]
    phase = next((str(event["name"]) for event in reversed(events) if event["t"] == "begin"), "import")
    if story.killed:
        return EndRecord("deadline", phase, detail="killed: it did not end in time")
    place = _place(lines, root)
    last = "\n".join(line.message for line in islice(reversed(lines), 1))
    if story.returncode < 0:
        name = signal.Signals(-story.returncode).name
        return EndRecord("died", phase, code=story.returncode, place=place, detail=f"{name}: {last}" if last else name)
    return EndRecord("exit", phase, code=story.returncode, place=place, detail=last)


def _place(lines: list[LogRecord], root: str) -> Place | None:
    """Find the project's innermost frame in what the interpreter printed when it crashed."""
    for line in lines:
        match = _FRAME.search(line.message) if line.source == "stderr" else None
        if match is not None and match["file"].startswith(root.rstrip("/") + "/"):
            return Place(match["file"][len(root.rstrip("/")) + 1 :], int(match["line"]))
    return None
