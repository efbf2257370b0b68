"""What the installed drivers take: the translation table, tied to their versions."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from pytest_asyncdb.urls.parameters import translate_for_asyncpg
from pytest_asyncdb.urls.psycopg_parameters import translate_for_psycopg
from pytest_asyncdb.urls.vocabulary import LIBPQ

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.urls.translation import Translation

DRIVERS = ("asyncpg", "psycopg")


def translator(driver: str) -> Callable[[str, str], Translation]:
    """The translation of (name, value) for a driver as it is installed; as its newest version when it is not."""
    if driver == "asyncpg":
        return partial(translate_for_asyncpg, version=_asyncpg_version())
    return partial(translate_for_psycopg, libpq=_libpq_parameters())


@cache
def _asyncpg_version() -> tuple[int, int] | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = re.match(r"(\d+)\.(\d+)", version("asyncpg"))
    except PackageNotFoundError:
        return None
    return (int(found[1]), int(found[2])) if found else None


@cache
def _libpq_parameters() -> frozenset[str]:
    try:
        from psycopg import pq
    except ImportError:  # psycopg is not installed, or finds no libpq
        return LIBPQ
    return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
