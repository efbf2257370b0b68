"""What the run says of the servers that its fixtures had."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.postgres.thread import ServerThread

DRIVER = "asyncpg"
"""The driver that `asyncdb_url` names."""


def lines(thread: ServerThread, *, verbose: bool) -> Iterator[str]:
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
