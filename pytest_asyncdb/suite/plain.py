"""An ASGI app on SQLAlchemy alone, with a session for each request: what ``ASGISuite`` tests when nobody says more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import async_sessionmaker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_asyncdb.fixtures.lifespan import Receive, Scope, Send


class PlainApp:
    """Opens a session for each request, and disposes of its engine when it is shut down.

    Args:
        engine: of the app.
        work: of a request.
    """

    def __init__(self, engine: AsyncEngine, work: Callable[[Any], Awaitable[object]]) -> None:
        self._engine = engine
        self._factory = async_sessionmaker(engine, expire_on_commit=False)
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        async with self._factory() as session:
            await self._work(session)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._engine.dispose()
        await send({"type": "lifespan.shutdown.complete"})
