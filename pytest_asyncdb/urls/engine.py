"""Makes an async engine from any Postgres URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_asyncdb.urls.normalize import normalize_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlalchemy import URL
    from sqlalchemy.ext.asyncio import AsyncEngine


def create_engine_from(
    url: str | URL,
    *,
    driver: str = "asyncpg",
    connect_args: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncEngine:
    """Normalise a URL and create an async engine with it.

    Args:
        url: any Postgres URL that ``normalize_url`` takes.
        driver: ``asyncpg`` or ``psycopg``.
        connect_args: arguments for the driver; they win over those that the URL carries (``server_settings`` are
            merged, setting by setting).
        options: keyword arguments of ``create_async_engine``; they win over the pool's options in the URL, which
            are left out altogether when ``poolclass`` or ``pool`` is given.

    Raises:
        InvalidURL: there is no usable Postgres URL; the message never holds the password.
        ValueError: the driver is neither of the two.
    """
    from sqlalchemy.ext.asyncio import create_async_engine

    normalized = normalize_url(url, driver=driver)
    given = dict(connect_args or {})
    own_settings, settings = normalized.connect_args.get("server_settings"), given.get("server_settings")
    if isinstance(own_settings, dict) and settings:
        given["server_settings"] = {**own_settings, **settings}
    own_options = {} if {"poolclass", "pool"} & options.keys() else normalized.engine_options
    return create_async_engine(
        normalized.url,
        connect_args={**normalized.connect_args, **given},
        **{**own_options, **options},
    )
