"""A real server with TLS, SCRAM and a private CA for the tests of this directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.postgres.choose import choose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.model.server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with choose("auto").provider.serve() as running:
        yield running
