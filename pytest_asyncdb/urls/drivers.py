"""Which Postgres driver a URL's scheme selects, which distribution brings it, and whether it speaks asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "asyncpg": ("asyncpg",),
    "psycopg": ("psycopg",),
    "psycopg_async": ("psycopg",),
    "psycopg2": ("psycopg2", "psycopg2-binary"),
    "psycopg2cffi": ("psycopg2cffi",),
    "pg8000": ("pg8000",),
}
"""Distributions that bring each driver; one of them is enough."""

ASYNC = frozenset({"asyncpg", "psycopg", "psycopg_async"})
"""Drivers that ``create_async_engine`` can use; psycopg 3 speaks both ways under one name."""

SYNC_ONLY = frozenset(DISTRIBUTIONS) - ASYNC
"""Drivers that ``create_async_engine`` refuses."""

SYNC_DISTRIBUTIONS = frozenset(name for driver in SYNC_ONLY for name in DISTRIBUTIONS[driver])

REQUIREMENTS = {
    "asyncpg": "asyncpg>=0.29.0",
    "psycopg": "psycopg[binary]>=3.1",
    "psycopg_async": "psycopg[binary]>=3.1",
}
"""What to declare for each async driver: the oldest versions that the checks were tried on."""

SYNC_REQUIREMENTS = {"psycopg2": "psycopg2-binary>=2.9.9"}
"""The same for the driver that a URL without one means, which only synchronous code can use."""


def is_postgres(scheme: str) -> bool:
    """Whether the scheme's dialect is Postgres, also in the spelling that SQLAlchemy dropped."""
    return scheme.partition("+")[0] in {"postgresql", "postgres"}


def selected(scheme: str, sqlalchemy: tuple[int, int]) -> str:
    """The driver that SQLAlchemy takes for a Postgres scheme.

    When the scheme names none: psycopg2 up to 2.0, psycopg 3 since 2.1.
    """
    return scheme.partition("+")[2] or ("psycopg" if sqlalchemy >= (2, 1) else "psycopg2")


def replacement(declares: Callable[[str], bool]) -> str:
    """The async driver to name in a URL that names none or a sync one.

    Args:
        declares: whether the project declares the distribution of that name for production.
    """
    return "psycopg" if declares("psycopg") and not declares("asyncpg") else "asyncpg"


def wanted(scheme: str, sqlalchemy: tuple[int, int], declares: Callable[[str], bool]) -> str:
    """The async driver that a Postgres scheme means, or will mean once it is repaired; empty for another dialect."""
    driver = selected(scheme, sqlalchemy) if is_postgres(scheme) else ""
    if driver not in DISTRIBUTIONS:
        return driver
    named = scheme.partition("+")[2] in ASYNC
    if driver in ASYNC and (named or any(declares(name) for name in DISTRIBUTIONS[driver])):
        return driver
    return replacement(declares)


def is_raw(function: str) -> bool:
    """Whether it is the driver itself that makes the pool or connection: it knows no ``+driver`` in a URL.

    Args:
        function: canonical name of what makes it, e.g. ``asyncpg.create_pool``.
    """
    return function.partition(".")[0] in {"asyncpg", "psycopg", "psycopg_pool", "psycopg2", "pg8000"}


def release(version: str | None) -> tuple[int, int] | None:
    """Major and minor of a version such as ``0.32.0``; None for None and for what does not start with two numbers."""
    parts = (version or "").split(".")[:2]
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and all(part.isdecimal() for part in parts) else None
