"""The engine asks a pooler for a server setting that the pooler refuses.

## What it does
Recognises poolers by their address and reports `server_settings` (asyncpg) and `options` (psycopg) that PgBouncer
does not take at the start of a connection. It takes `application_name`, `client_encoding`, `datestyle`, `timezone`
and `standard_conforming_strings`.

## Root cause
PgBouncer keeps track of a few settings only and refuses a connection that asks for others: `unsupported startup
parameter: jit`. It fails at the first connection through the pooler and works without it, so a local try does not
show it.

## Fix
Set it in the database (`ALTER ROLE name SET jit = off`), or in the transaction that needs it (`SET LOCAL`), or let the
pooler ignore it (`ignore_startup_parameters`).

## Fix safety
No fix is made automatically: it belongs in the server or the pooler.

## Seen on
PgBouncer 1.18 and 1.25 with asyncpg 0.31 and psycopg 3.3. Providers' own poolers: by reports of their users.

## Sources
- https://www.pgbouncer.org/config.html#ignore_startup_parameters
- https://github.com/pgbouncer/pgbouncer/issues/1074
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.urls.poolers import STARTUP_SETTINGS, pooler_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding

CHECK = Check(__name__, severity=Severity.LATENT, since="0.1")

_KEY = re.compile(r"['\"](?P<name>\w+)['\"]\s*:")


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each async engine of the app once, with all the settings."""
    for engine in facts.engines:
        pooler = pooler_of(engine.url.host, engine.url.port) if engine.url else None
        if engine.role != "app" or not engine.is_async or pooler is None or not pooler.restricts_settings:
            continue
        refused = _refused(engine)
        if refused:
            names = ", ".join(f"`{name}`" for name in refused)
            yield CHECK.finding(
                engine.place,
                f"{pooler.name} refuses a connection that asks for {names}",
                root_cause="PgBouncer takes only a few settings when a connection starts, unless it is told to ignore "
                "others. Set it with `ALTER ROLE ... SET`, or `SET LOCAL` where it is needed.",
                confidence=Confidence.LIKELY,
                evidence=engine.evidence,
            )


def _refused(engine: Engine) -> list[str]:
    settings = engine.connect_arg("server_settings") or ""
    names = [match["name"] for match in _KEY.finditer(settings)]
    refused = [name for name in names if name.lower() not in STARTUP_SETTINGS]
    options = engine.connect_arg("options") or (dict(engine.url.parameters).get("options") if engine.url else None)
    return [*refused, "options"] if options and "endpoint=" not in options else refused
