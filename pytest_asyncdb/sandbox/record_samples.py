"""What the sandbox saw when the project's own code was run on sample URLs."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record_values import ErrorRecord, UrlRecord


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """What the project's code made of one sample URL.

    ``step`` says how far it came: ``import`` or ``call`` (no engine was made), ``make`` (making it raised), ``made``
    (it could not be tried), ``connect`` (connecting raised), ``done``. The address is what the driver was asked for.
    """

    trial: int
    sample: str
    step: str
    url: UrlRecord | None = None
    driver: str | None = None
    connect_args: tuple[tuple[str, str], ...] = ()
    place: Place | None = None
    error: ErrorRecord | None = None
    host: str = ""
    port: str = ""
    database: str = ""
    user: str = ""
    password_kept: bool = True
