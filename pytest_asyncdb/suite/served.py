"""An ASGI app between startup and shutdown, and requests to it as a server makes them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_asyncdb.fixtures.lifespan import ASGIApp, Message

PATH = "/work"
_ERROR = 500


@dataclass(slots=True)
class Answer:
    """Of an app to a request."""

    status: int = 0
    error: Exception | None = None
    """What the app let escape."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it is an error of the server's side."""
        return self.error is not None or self.status >= _ERROR


@dataclass(frozen=True, slots=True)
class Served:
    """An app that has started.

    Args:
        app: with the route ``POST /work``.
    """

    app: ASGIApp

    async def post(self, *, at_answer: Callable[[], None] = lambda: None, leaves: bool = False) -> Answer:
        """Make a request, and wait until the app is done with it.

        Args:
            at_answer: called when the answer begins.
            leaves: the client goes away as soon as it has sent its request.
        """
        answer, asked = Answer(), False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            if not leaves:
                await asyncio.Future[None]()  # the client stays until it has the answer
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                at_answer()
                answer.status, answer.headers = message["status"], list(message.get("headers", ()))

        try:
            await self.app(self._scope(), receive, send)
        except Exception as error:  # noqa: BLE001 - an app may let anything escape
            answer.error = error
        return answer

    def _scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"testserver"), (b"content-length", b"0")],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
        }
