"""What the run says of the servers that its fixtures had, or had not."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pytest_asyncdb.serving import WANTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from pytest_asyncdb.postgres.thread import ServerThread

DRIVER = "asyncpg"
"""The driver that `asyncdb_url` names."""


def served(thread: ServerThread, *, verbose: bool) -> Iterator[str]:
    """One line on a server that was ready; verbose: why no other provider served."""
    server = thread.served
    if server is None:
        return
    what = f"asyncdb: Postgres {server.version} ({server.provider}), ready in {server.seconds:.2f} s"
    yield f"{what}; driver {DRIVER} {version(DRIVER)}"
    yield from (f"asyncdb: {limit}" for limit in server.limits)
    if verbose and thread.choice is not None:
        for name, reason in thread.choice.not_used:
            yield f"asyncdb: {name} not used: {reason}"


def skipped(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """How many tests were skipped for want of a server, and why: without ``-rs`` pytest shows their number alone."""
    reasons = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]
    ours = [reason.partition(WANTED)[2].strip() for reason in reasons if WANTED in reason]
    for reason in dict.fromkeys(ours):
        many = "1 test was" if ours.count(reason) == 1 else f"{ours.count(reason)} tests were"
        yield f"asyncdb: {many} skipped for want of a server: {reason}"
