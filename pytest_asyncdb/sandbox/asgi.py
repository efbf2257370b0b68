"""A driver for ASGI apps: the lifespan with its messages, and single requests. No server, no client library."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_LAST_WORDS = 1.0
"""Seconds that an app has for raising after it said that startup or shutdown failed."""


class LifespanFailedError(Exception):
    """The app said that its startup or shutdown failed; the text is its own."""


class Lifespan:
    """One run of an app's lifespan."""

    def __init__(self, app: Any) -> None:
        """Take the ASGI callable; nothing runs yet."""
        self._app = app
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.state: dict[str, Any] = {}
        self.said = ""
        """What the app said about a startup or shutdown that failed."""
        self.task: asyncio.Task[None] | None = None

    async def startup(self) -> str:
        """Start the app.

        Returns:
            Empty, or why the app has no lifespan.

        Raises:
            BaseException: what the app raised when it said that startup failed.
            LifespanFailedError: it said so and raised nothing.
        """
        self.task = asyncio.ensure_future(self._run())
        self._told.put_nowait({"type": "lifespan.startup"})
        said = await self._next(self.task)
        if said is not None:
            await self._judge(said, "lifespan.startup.complete")
            return ""
        error = self.task.exception()
        self.task = None
        # Servers take this for an app that knows no lifespan, and go on.
        return "no lifespan" if error is None else f"no lifespan ({type(error).__name__}: {error})"

    async def shutdown(self) -> None:
        """Stop the app.

        Raises:
            BaseException: what the app raised while it stopped.
            LifespanFailedError: it said that shutdown failed and raised nothing.
        """
        if self.task is None:
            return
        self._told.put_nowait({"type": "lifespan.shutdown"})
        said = await self._next(self.task)
        if said is not None:
            await self._judge(said, "lifespan.shutdown.complete")
        elif (error := self.task.exception()) is not None:
            raise error

    async def abandon(self) -> None:
        """Cancel what still runs; an app that resists is left to the end of the process."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task], timeout=_LAST_WORDS)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": _ASGI, "state": self.state}
        await self._app(scope, self._told.get, self._said.put)

    async def _next(self, task: asyncio.Task[None]) -> dict[str, Any] | None:
        """Wait for the app's next message, or None when it ends without one."""
        message = asyncio.ensure_future(self._said.get())
        try:
            await asyncio.wait([message, task], return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else None
        finally:
            message.cancel()

    async def _judge(self, said: dict[str, Any], wanted: str) -> None:
        if said.get("type") == wanted:
            return
        self.said = text = str(said.get("message") or said.get("type"))
        if self.task is not None:
            done, _ = await asyncio.wait([self.task], timeout=_LAST_WORDS)
            for task in done:
                task.result()
        raise LifespanFailedError(text)


class Request:
    """One request: HTTP method, path without a query, JSON to send or None, and where it is sent."""

    def __init__(self, method: str, path: str, body: bytes | None) -> None:
        """Take what to ask."""
        self.method = method
        self.path = path
        self.body = body
        self.host = "localhost"
        self.scheme = "http"


class Answer:
    """What an app answered to one request."""

    def __init__(self) -> None:
        """Begin with no answer."""
        self.status: int | None = None
        self.body = b""
        self.done = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message of the app."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self.done.set()


async def ask(app: Any, request: Request, state: dict[str, Any], answer: Answer) -> None:
    """Send one request; whatever the app lets escape is raised.

    Args:
        app: the ASGI callable.
        request: what to ask.
        state: the lifespan's state; the app gets a copy, as from a server.
        answer: filled as the app answers.
    """
    scope = {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(_headers(request)),
        "client": ("127.0.0.1", 50000),
        "server": (request.host.partition(":")[0], 8000),
        "state": state.copy(),
        "extensions": {},
    }
    messages = iter([{"type": "http.request", "body": request.body or b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        message = next(messages, None)
        if message is None:
            await answer.done.wait()
            message = {"type": "http.disconnect"}
        return message

    await app(scope, receive, answer.send)


def _headers(request: Request) -> Iterable[tuple[bytes, bytes]]:
    body = request.body
    yield b"host", request.host.encode("idna" if not request.host.isascii() else "ascii")
    yield b"accept", b"application/json, */*"
    yield b"user-agent", b"pytest-asyncdb"
    if body is not None:
        yield b"content-type", b"application/json"
        yield b"content-length", str(len(body)).encode()


def where(task: asyncio.Task[Any]) -> Iterable[Any]:
    """Walk the frames in which a task is suspended, outermost first, through context managers made of generators."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = next(
            (found for name in ("cr_frame", "gi_frame", "ag_frame") if (found := getattr(awaited, name, None))), None
        )
        following = next(
            (found for name in ("cr_await", "gi_yieldfrom", "ag_await") if (found := getattr(awaited, name, None))),
            None,
        )
        if frame is not None:
            yield frame
            if following is not None and not any(
                hasattr(following, name) for name in ("cr_frame", "gi_frame", "ag_frame")
            ):
                # asynccontextmanager waits for the next value of a generator; what it waits with says nothing itself.
                following = getattr(frame.f_locals.get("self"), "gen", None)
        awaited = following
