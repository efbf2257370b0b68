"""Sees the drivers' own connection pools, which need no SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.watch import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_asyncdb.sandbox.recorder import Recorder


class Pools:
    """Patches for asyncpg's and psycopg's pools."""

    def __init__(self, recorder: Recorder) -> None:
        """Start with nothing seen."""
        self._recorder = recorder
        self.seen: list[Seen] = []

    def patches(self) -> Mapping[str, Callable[[Any], None]]:
        """Name each module with what changes it."""
        return {
            "asyncpg.pool": lambda module: self._watch(module.Pool, "asyncpg.create_pool", "asyncpg", is_async=True),
            "psycopg_pool.pool": lambda module: self._watch(
                module.ConnectionPool, "psycopg_pool.ConnectionPool", "psycopg", is_async=False
            ),
            "psycopg_pool.pool_async": lambda module: self._watch(
                module.AsyncConnectionPool, "psycopg_pool.AsyncConnectionPool", "psycopg", is_async=True
            ),
        }

    def _watch(self, cls: Any, name: str, driver: str, *, is_async: bool) -> None:
        build = cls.__init__

        def __init__(this: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces that method
            build(this, *args, **kwargs)
            with self._recorder.safely():
                self._tell(this, name, driver, {**({"dsn": args[0]} if args else {}), **kwargs}, is_async=is_async)

        cls.__init__ = __init__

    def _tell(self, pool: Any, name: str, driver: str, given: dict[str, Any], *, is_async: bool) -> None:
        seen = Seen(self._recorder.number(), driver, pool, self._recorder.phase)
        self.seen.append(seen)
        self._recorder.emit(
            "engine",
            number=seen.number,
            function=name,
            is_async=is_async,
            place=self._recorder.place(),
            phase=self._recorder.phase,
            driver=driver,
            url_type=type(given["dsn"]).__name__ if "dsn" in given else "",
            arguments=self._recorder.pairs({name: value for name, value in given.items() if value is not None}),
            pool_class=type(pool).__name__,
        )


def size(pool: Any) -> int:
    """Count the connections that a pool holds."""
    if hasattr(pool, "get_size"):
        return int(pool.get_size())
    return 0 if pool.closed else int(pool.get_stats().get("pool_size", 0))


def in_use(pool: Any) -> int:
    """Count the connections of a pool that somebody works with."""
    if hasattr(pool, "get_idle_size"):
        return int(pool.get_size() - pool.get_idle_size())
    if pool.closed:
        return 0
    told = pool.get_stats()
    return int(told.get("pool_size", 0)) - int(told.get("pool_available", 0))
