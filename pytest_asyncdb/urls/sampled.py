"""What became of sample URLs that a project's own code was tried on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.errors import is_certificate_error, is_missing_driver, one_line
from pytest_asyncdb.urls.parse import parse_url
from pytest_asyncdb.urls.samples import SAMPLES, naming

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_asyncdb.sandbox.record import SampleRecord
    from pytest_asyncdb.urls.parsed import ParsedUrl
    from pytest_asyncdb.urls.samples import Sample

_SAMPLES = {sample.provider: sample for sample in SAMPLES}
_NOT_THE_URL = ("TimeoutError", "ConnectionRefusedError", "TooManyConnectionsError", "CannotConnectNowError")
_OBJECT = re.compile(r"Expected string or URL object, got (?P<kind>\w+)\(")
_REASONS = (
    (
        "Can't load plugin: sqlalchemy.dialects:postgres",
        "`{scheme}://` is left as it is, which SQLAlchemy does not know",
    ),
    ("requires an async driver", "`{scheme}://` is left as it is, which means a sync driver"),
)


def refused_object(results: Iterable[SampleRecord]) -> str:
    """The class of what the engine is given in place of a URL, whenever it is given anything; empty for a URL."""
    came = [one for one in results if one.step not in {"import", "call"}]
    found = [_OBJECT.search(one.error.message) if one.error else None for one in came]
    kinds = {match["kind"] if match else "" for match in found}
    return kinds.pop() if len(kinds) == 1 else ""


def is_rewritten(results: Iterable[SampleRecord], driver: str = "") -> bool:
    """Whether the code made another URL of some sample: else it only passes it on, or reads something else.

    Args:
        results: what became of the samples.
        driver: the driver that their schemes named, if any.
    """
    return any(_is_fed(one) and _differs(one, driver) for one in results)


def failures(results: Iterable[SampleRecord]) -> dict[Sample, str]:
    """The samples that the code fails for, with the reasons; none when it failed for all in the same way.

    What has nothing to do with the URL, as a missing driver or a certificate, counts for nothing.
    """
    told = {one.sample: one for one in results if one.sample in _SAMPLES}
    if not any(_is_fed(one) for one in told.values()) or all(one.step in ("import", "call") for one in told.values()):
        return {}
    reasons = {name: _reason(one) for name, one in told.items()}
    found = {sample: reasons.get(sample.provider, reasons.get(sample.like, "")) for sample in SAMPLES}
    return {sample: reason for sample, reason in found.items() if reason}


def _is_fed(one: SampleRecord) -> bool:
    """Whether the sample's own address arrived at the engine; ``localhost`` alone may be there anyway."""
    given = _given(one)
    return one.url is not None and bool(given.host) and (one.url.host, one.url.database) == (given.host, given.database)


def _differs(one: SampleRecord, driver: str) -> bool:
    given = parse_url(naming(_SAMPLES[one.sample].url, driver))
    if one.url is None:
        return False
    query = sorted((parameter.name, parameter.value) for parameter in given.parameters)
    return one.url.drivername != given.scheme or sorted(one.url.query) != query


def _given(one: SampleRecord) -> ParsedUrl:
    return parse_url(_SAMPLES[one.sample].url)


def _reason(one: SampleRecord) -> str:
    """Why it fails, as a sentence without an end; empty when it does not."""
    error = one.error
    if error is None:
        return _elsewhere(one)
    text = f"{error.type}: {error.message}"
    for sign, reason in _REASONS:
        if sign in text and one.url is not None:
            return reason.format(scheme=one.url.drivername)
    if is_missing_driver(error) and one.url is not None and "+" not in one.url.drivername:
        return f"`{one.url.drivername}://` is left as it is, which means a driver that is not installed"
    if is_missing_driver(error) or is_certificate_error(error) or error.type.rpartition(".")[2] in _NOT_THE_URL:
        return ""
    when = {"connect": "connecting", "make": "making the engine"}.get(one.step, "importing or calling it")
    return f"{when} raises {one_line(error)}"


def _elsewhere(one: SampleRecord) -> str:
    """What of the address got lost on the way to the driver."""
    given = _given(one)
    if one.step != "done":
        return ""
    socket = given.parameter("host")
    host = socket.value if socket else given.host or ""
    for what, there, here in (
        ("host", one.host, host),
        ("user", one.user, given.username),
        ("database", one.database, given.database),
    ):
        if there and here and there != here and not there.startswith(f"{here}/.s.PGSQL"):
            return f"it connects to another {what}, `{there}`"
    return "" if one.password_kept else "the password is changed on the way"
