"""An engine demands a certificate of a public authority, and the database it is meant for has none.

## What it does
Looks at engines on asyncpg with `connect_args={"ssl": True}` or `ssl.create_default_context()` without a CA of its
own. Reports one where the project shows a server without such a certificate: the URL names this machine, a service of
its compose file that runs a plain Postgres, or a provider with a root of its own (RDS, Supabase, DigitalOcean, Aiven);
where the compose file runs a plain Postgres for the app; or where the URL asks for encryption only, `sslmode=require`.

## Root cause
In `connect_args` `True` is more than `ssl=require` in a URL: the server must have a certificate for its host name,
signed by an authority that this machine trusts. A Postgres without TLS answers `rejected SSL upgrade`, one with a
certificate of its own is refused with `certificate verify failed: self-signed certificate in certificate chain`, both
at first connect.

## Fix
`connect_args={"ssl": "require"}` encrypts and checks nothing, `"prefer"` takes what the server has. To check, build an
`ssl.SSLContext` and load the provider's root with `load_verify_locations(cafile=...)`.

## Fix safety
No fix is made automatically: whether the server has to prove who it is, is a decision.

## Seen on
asyncpg 0.31 and 0.32 with SQLAlchemy 2.0.58 and 2.1.9.

## Sources
- https://magicstack.github.io/asyncpg/current/api/index.html#connection
- https://github.com/MagicStack/asyncpg/issues/238
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_asyncdb.model.check import Check
from pytest_asyncdb.model.finding import Confidence, Severity
from pytest_asyncdb.urls import drivers
from pytest_asyncdb.urls.certificates import private_root
from pytest_asyncdb.urls.declared import driver_of
from pytest_asyncdb.urls.translation import parse_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.facts.engines import Engine
    from pytest_asyncdb.model.finding import Finding
    from pytest_asyncdb.model.place import Place

CHECK = Check(__name__, severity=Severity.LATENT, since="0.2")

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"})  # noqa: S104 - compared only
_DEFAULT_CONTEXT = re.compile(r"(?:ssl\.)?create_default_context\(\s*\)")
_VERIFYING = frozenset({"verify-ca", "verify-full"})


@CHECK
def find(facts: Facts) -> Iterator[Finding]:
    """Report each such engine of the app once, at the argument."""
    for engine in facts.engines:
        if engine.role != "app" or not engine.is_async or not _verifies(engine):
            continue
        raw = drivers.is_raw(engine.function)
        if raw or (engine.url and driver_of(facts, engine.url) == "asyncpg"):
            reason = _reason(facts, engine)
            if reason:
                yield _finding(engine, reason)


def _verifies(engine: Engine) -> bool:
    given = engine.connect_arg("ssl") or ""
    return given == "True" or _DEFAULT_CONTEXT.fullmatch(given) is not None


def _reason(facts: Facts, engine: Engine) -> str:
    """What in the project speaks against a verified certificate, as the rest of a sentence; empty when nothing does."""
    host = (engine.url.host if engine.url else None) or ""
    plain = [one for one in facts.compose_databases if not one.tls]
    service = next((one for one in plain if one.service == host), None)
    if service:
        return f"`{host}` of {service.place.path}:{service.place.line} is a plain Postgres"
    if host in _LOCAL:
        return f"a server at `{host}` seldom has one"
    if root := private_root(host):
        return f"{root.provider} signs its own: load its root, from {root.root}"
    if host and "." in host and not host.startswith("{"):
        return ""
    if plain:
        return f"{plain[0].place.path}:{plain[0].place.line} runs a plain Postgres"
    asked = dict(engine.url.parameters) if engine.url else {}
    mode = parse_mode(asked.get("sslmode") or asked.get("ssl") or "")
    return "" if mode is None or mode in _VERIFYING else f"the URL asks for no more than `{mode}`"


def _finding(engine: Engine, reason: str) -> Finding:
    given = engine.call.argument("connect_args") or engine.call.argument("ssl") if engine.call else None
    place: Place = given.span.place if given else engine.place
    return CHECK.finding(
        place,
        f"`ssl` demands a certificate that a public authority signed, and {reason}",
        root_cause="In `connect_args`, True is a context that verifies the server; a server without TLS or with a "
        'certificate of its own is refused at first connect. `{"ssl": "require"}` encrypts without verifying.',
        confidence=Confidence.LIKELY,
        evidence=engine.evidence,
    )
