"""Tries each engine, session factory and pool against the throwaway server: ``SELECT 1`` with its own arguments."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.attempts import PROBING
from pytest_asyncdb.sandbox.watch import bind_is_async, is_async_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.watch import Seen

_REDIRECTED = frozenset({"asyncpg", "psycopg", "psycopg_async", "psycopg2", "aiopg"})
_PROBE = "SELECT 1"


class WrongSessionError(TypeError):
    """A session factory on an async engine makes sessions that are not async."""


class Probe:
    """Tries what was seen.

    Args:
        recorder: where outcomes are told.
        seconds: how long one try may take.
        no_server: why there is no server; empty when there is one.
    """

    def __init__(self, recorder: Recorder, seconds: float, no_server: str) -> None:
        """Take what holds for every try."""
        self._recorder = recorder
        self._seconds = seconds
        self._no_server = no_server

    async def all(self, engines: list[Seen], factories: list[Seen], pools: list[Seen]) -> None:
        """Try everything, then give back the connections that were opened for it."""
        before = [(seen, set(seen.open)) for seen in engines]
        token = PROBING.set(True)
        try:
            for seen in engines:
                await self._one("engine", seen, self._skip_engine(seen, engines), _engine)
            for seen in factories:
                await self._one("factory", seen, self._skip_factory(seen), _session)
            for seen in pools:
                await self._one("engine", seen, self._skip_pool(seen), _pool)
            for seen, opened in before:
                await self._give_back(seen, len(seen.open - opened))
        finally:
            PROBING.reset(token)

    async def _one(self, kind: str, seen: Seen, skipped: str, attempt: Callable[[Any], Awaitable[None]]) -> None:
        error: BaseException | None = None
        started = time.perf_counter()
        if not skipped:
            try:
                async with asyncio.timeout(self._seconds):
                    await attempt(seen.made)
            except Exception as caught:  # noqa: BLE001 - the project's own arguments may fail in any way
                error = caught
        more: dict[str, Json] = {}
        if kind == "factory" and seen.made is not None:
            # ``configure(bind=...)`` may have come after the factory was made.
            more = {
                "bind_is_async": bind_is_async(seen.made),
                "expire_on_commit": bool(seen.made.kw["expire_on_commit"]),
            }
        self._recorder.emit(
            kind,
            number=seen.number,
            probe={
                "ok": error is None and not skipped,
                "seconds": time.perf_counter() - started,
                "error": None if error is None else self._recorder.error(error),
                "skipped": skipped,
            },
            **more,
        )

    def _skip_engine(self, seen: Seen, engines: list[Seen]) -> str:
        if seen.made is None:
            return "it is gone: nothing holds it any more"
        if any(getattr(one.made, "sync_engine", None) is seen.made for one in engines):
            return "it is used through the AsyncEngine that wraps it"
        return self._skip_driver(seen.made)

    def _skip_driver(self, engine: Any) -> str:
        dialect = engine.dialect
        if dialect.driver not in _REDIRECTED:
            return f"{dialect.name}+{dialect.driver} is not a Postgres driver that the sandbox redirects"
        return self._no_server

    def _skip_factory(self, seen: Seen) -> str:
        if seen.made is None:
            return "it is gone: nothing holds it any more"
        bind = seen.made.kw.get("bind")
        return "its sessions are bound to no engine" if bind is None else self._skip_driver(bind)

    def _skip_pool(self, seen: Seen) -> str:
        if seen.made is None:
            return "it is gone: nothing holds it any more"
        is_open = getattr(seen.made, "_initialized", False) if seen.kind == "asyncpg" else not seen.made.closed
        return self._no_server if is_open else "startup did not open it"

    async def _give_back(self, seen: Seen, opened: int) -> None:
        """Leave the pool as the app had it, so that what is open after its shutdown is the app's own."""
        for _ in range(opened):
            engine = seen.made
            if engine is None:
                return
            try:
                async with asyncio.timeout(self._seconds):
                    if hasattr(engine, "sync_engine"):
                        async with engine.connect() as connection:
                            # Not detach: a detached connection of psycopg is closed by nobody.
                            await connection.invalidate()
                    else:
                        with engine.connect() as connection:
                            connection.invalidate()
            except Exception:  # noqa: BLE001 - the probe has told already what is wrong with this engine
                return


async def _engine(engine: Any) -> None:
    text = sys.modules["sqlalchemy"].text
    if hasattr(engine, "sync_engine"):
        async with engine.connect() as connection:
            await connection.execute(text(_PROBE))
    else:
        with engine.connect() as connection:
            connection.execute(text(_PROBE))


async def _session(factory: Any) -> None:
    text = sys.modules["sqlalchemy"].text
    session = factory()
    if is_async_session(type(session)):
        async with session:
            await session.execute(text(_PROBE))
        return
    if bind_is_async(factory):
        raise WrongSessionError(
            f"this {type(factory).__name__} is bound to an async engine and makes {type(session).__name__}, "
            "which is no AsyncSession"
        )
    with session:
        session.execute(text(_PROBE))


async def _pool(pool: Any) -> None:
    if hasattr(pool, "acquire"):
        async with pool.acquire() as connection:
            await connection.execute(_PROBE)
    elif asyncio.iscoroutinefunction(pool.open):
        async with pool.connection() as connection:
            await connection.execute(_PROBE)
    else:
        with pool.connection() as connection:
            connection.execute(_PROBE)
