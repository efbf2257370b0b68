"""``--asyncdb-keep``: what a failed test of a suite has committed, in a database of its own.

The tests of a class share one, whose tables the next test empties; so what is kept is a copy of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_asyncdb.suite.case import Case


def keep(request: pytest.FixtureRequest, case: Case) -> None:
    """Make the database that a failed test is to have, or say why there is none."""
    from pytest_asyncdb.postgres.databases import send_away
    from pytest_asyncdb.postgres.protocol import ServerError
    from pytest_asyncdb.serving import Serving
    from pytest_asyncdb.serving.keep import Keeper

    server, original = request.getfixturevalue("asyncdb_server"), case.witness.server.database
    serving = Serving.of(request.config)
    databases = serving.databases(server)
    case.witness.close()
    try:
        databases.link.run(lambda connection: send_away(connection, original))
        databases.create(case.keep_as, template=original)
        serving.release(server, case.keep_as)
    except ServerError as error:
        Keeper.misses(request.config, case.keep_as, str(error))
