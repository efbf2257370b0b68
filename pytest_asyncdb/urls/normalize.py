"""Makes any Postgres URL one that SQLAlchemy's async drivers take, and says what was changed and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.draft import Draft
from pytest_asyncdb.urls.installed import DRIVERS, translator
from pytest_asyncdb.urls.parse import InvalidURL, parse_url
from pytest_asyncdb.urls.parsed import is_secret_parameter
from pytest_asyncdb.urls.parts import Change, Parts, finish_asyncpg, finish_psycopg
from pytest_asyncdb.urls.redact import MASK
from pytest_asyncdb.urls.service import service_parameters
from pytest_asyncdb.urls.translation import Action
from pytest_asyncdb.urls.vocabulary import ADDRESS

if TYPE_CHECKING:
    from sqlalchemy import URL

    from pytest_asyncdb.urls.parse import ParsedUrl
    from pytest_asyncdb.urls.parts import ConnectArg
    from pytest_asyncdb.urls.translation import Scalar

__all__ = ["Change", "InvalidURL", "NormalizedURL", "normalize_url"]

_POSTGRES = frozenset({"postgresql", "postgres", "pgsql", "psql", "postgis", "jdbc:postgresql", ""})


@dataclass(frozen=True, slots=True, repr=False)
class NormalizedURL:
    """A URL for an async driver.

    ``url`` and ``connect_args`` go to ``create_async_engine``; so do ``engine_options`` (``pool_size`` and the like
    that the URL carried). Neither ``repr`` nor ``str`` shows a secret.
    """

    url: URL
    connect_args: dict[str, ConnectArg] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    engine_options: dict[str, Scalar] = field(default_factory=dict)

    def __str__(self) -> str:
        """The URL, its password masked."""
        return self.url.render_as_string(hide_password=True)

    def __repr__(self) -> str:
        """All parts, secrets masked."""
        shown = {name: MASK if is_secret_parameter(name) else value for name, value in self.connect_args.items()}
        rest = f"changes={self.changes!r}, engine_options={self.engine_options!r}"
        return f"NormalizedURL(url={self}, connect_args={shown!r}, {rest})"


def normalize_url(url: str | URL, *, driver: str = "asyncpg") -> NormalizedURL:
    """Make a Postgres URL one that SQLAlchemy takes with an async driver.

    Args:
        url: what a provider's console, an old project, a shell or SQLAlchemy has: any scheme of Postgres, with or
            without driver, ``jdbc:``, libpq's ``host=... dbname=...``, a ``psql`` command line, quoted or not.
        driver: ``asyncpg`` or ``psycopg``.

    Returns:
        The URL for that driver, what belongs into ``connect_args`` instead, and each change with its reason.
        Normalising the result again changes nothing.

    Raises:
        InvalidURL: there is no Postgres URL in it, or a part of it can't be used; the message never holds the password.
        ValueError: the driver is neither of the two.
    """
    if driver not in DRIVERS:
        raise ValueError(f"driver must be one of {', '.join(DRIVERS)}, not {driver!r}")
    changes: list[Change] = []
    draft = _drafted(url, changes)
    changes += _scheme_changes(draft.scheme, driver)
    _resolve_service(draft, driver, changes)
    before = (draft.hosts, [one for one in draft.parameters if one[0] in ADDRESS])
    draft.settle_address(keep_hostaddr=driver == "psycopg")
    draft.refuse_unusable()
    _settle_repetition(draft, changes)
    parts = Parts(changes)
    for name, value in draft.parameters:
        parts.take(name, value, translator(driver)(name, value))
    finish = finish_asyncpg if driver == "asyncpg" else finish_psycopg
    return _assembled(draft, finish(parts), driver, before)


def _drafted(url: str | URL, changes: list[Change]) -> Draft:
    from sqlalchemy import URL

    if isinstance(url, URL):
        return Draft.of_url(url)
    if not isinstance(url, str):
        raise InvalidURL(f"a database URL is a str or a sqlalchemy.URL, not {type(url).__name__}")
    parsed = parse_url(url)
    changes += _writing_changes(url, parsed)
    # What SQLAlchemy wrote is read as SQLAlchemy reads it: up to 2.0 it leaves the database as it stands.
    decode = "+" not in parsed.scheme or _sqlalchemy_decodes_database()
    return Draft.of_parsed(parsed, decode_database=decode)


@cache
def _sqlalchemy_decodes_database() -> bool:
    from sqlalchemy import make_url

    return make_url("postgresql://h/%41").database == "A"


def _writing_changes(text: str, parsed: ParsedUrl) -> list[Change]:
    changes = []
    if parsed.span != (0, len(text)):
        changes.append(
            Change("took the URL out of what surrounds it", "quotes, spaces and line ends would become part of it")
        )
    if parsed.form == "conninfo":
        changes.append(Change("keyword=value pairs became a URL", "SQLAlchemy takes URLs only"))
    elif parsed.password_span and "@" in text[slice(*parsed.password_span)]:
        reason = "SQLAlchemy ends the password at the first `@` and takes the rest for the host"
        changes.append(Change("percent-encoded `@` in the password", reason))
    return changes


def _scheme_changes(scheme: str, driver: str) -> list[Change]:
    dialect, _, given = scheme.partition("+")
    if dialect.lower() not in _POSTGRES:
        raise InvalidURL(f"`{scheme}` is no scheme of Postgres: a URL begins with postgresql+{driver}://")
    if not scheme or (dialect == "postgresql" and given == driver):
        return []
    if dialect != "postgresql":
        reason = f"SQLAlchemy knows Postgres as `postgresql` only, and the driver {driver} has to be named"
    elif given:
        reason = f"the scheme names the driver: {driver} was asked for"
    else:
        reason = "without a driver the scheme means psycopg2 up to SQLAlchemy 2.0 and psycopg since 2.1"
    return [Change(f"{scheme}:// -> postgresql+{driver}://", reason)]


def _resolve_service(draft: Draft, driver: str, changes: list[Change]) -> None:
    """Write a service's parameters into the draft, unless the driver reads service files itself."""
    service, file = draft.last("service"), draft.last("servicefile")
    translate = translator(driver)
    given = ("service", "servicefile") if file else ("service",)
    if not service or all(translate(name, "x").action is Action.KEEP for name in given):
        return
    parts = (("user", draft.username), ("password", draft.password), ("dbname", draft.database))
    said = {name for name, value in parts if value} | ({"host", "port"} if draft.hosts else set())
    inside = [one for one in service_parameters(service, file) if one[0] not in said]
    draft.parameters = [*inside, *(one for one in draft.parameters if one[0] not in given)]
    reason = translate(given[-1], "x").reason
    changes.append(Change(f"service={service} replaced by what it stands for", reason))


def _settle_repetition(draft: Draft, changes: list[Change]) -> None:
    """Leave one of each parameter: the last, as in libpq; and of ``ssl`` and ``sslmode`` the latter."""
    unique = dict(draft.parameters)
    if len(unique) < len(draft.parameters):
        reason = "SQLAlchemy hands repeated ones to the driver as a tuple"
        changes.append(Change("kept the last of repeated parameters", reason))
    weaker = {"ssl", "requiressl"} & unique.keys() if unique.get("sslmode") else set()
    changes += [Change(f"{name} removed", "sslmode says it more exactly") for name in sorted(weaker)]
    draft.parameters = [one for one in unique.items() if one[0] not in weaker]


def _assembled(
    draft: Draft, parts: Parts, driver: str, before: tuple[tuple[object, ...], list[tuple[str, str]]]
) -> NormalizedURL:
    from sqlalchemy import URL

    address = draft.address_query()
    username = "" if draft.username is None and draft.password is not None else draft.username
    url = URL.create(
        f"postgresql+{driver}",
        username=username,
        password=draft.password,
        host=draft.host,
        port=draft.port,
        database=draft.database,
        query={**parts.query, **address},
    )
    again = Draft.of_url(url)
    if before != (again.hosts, [one for one in again.parameters if one[0] in ADDRESS]):
        parts.changes.append(_address_change(draft))
    return NormalizedURL(url, parts.connect_args, tuple(parts.changes), parts.engine_options)


def _address_change(draft: Draft) -> Change:
    if len(draft.hosts) > 1:
        return Change(
            "several hosts -> ?host=h1:5432&host=h2:5432", "this is how SQLAlchemy writes them, each with its port"
        )
    if draft.hosts[0].name.startswith("/"):
        return Change(
            "socket -> ?host=/directory&port=N", "this is how SQLAlchemy writes a socket: its directory, and the port"
        )
    return Change(
        "address -> the URL's own places", "host, port, user, password and database stand there, not in the query"
    )
