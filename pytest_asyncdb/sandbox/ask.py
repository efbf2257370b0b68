"""The sandbox's own requests: each health route, and each auth route with an empty JSON body."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox.asgi import Answer, Request, ask
from pytest_asyncdb.sandbox.hosts import host_of
from pytest_asyncdb.sandbox.routes import framework, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.recorder import Recorder
    from pytest_asyncdb.sandbox.routes import Route

_MOST = 25
_BODY = 4000
_REDIRECT = 300
_PREFIX = (
    r"(?:/(?:api|v\d+|app|internal|system|monitoring|management|admin|public|common|core|utils?|service|_|-)){0,4}"
)
_HEALTH = re.compile(
    r"/[_-]?(?:(?:is|db|database|api|app|service|system|server|queue)[-_])?"
    r"(?:health(?:z|y)?|health[-_]?(?:checks?|status|probe)|heart[-_]?beat|live(?:ness|z)?|alive|ready|readiness|readyz"
    r"|startupz?|ping)/?$"
    r"|/(?:healthz?|probes?|health[-_]?checks?)/[a-z_-]+/?$"
    # Words that mean other things elsewhere count only where nothing but prefixes stands before them.
    rf"|^{_PREFIX}/(?:status|up)/?$",
    re.IGNORECASE,
)
_ALIVE = re.compile(r"/(?:livez?|liveness|alive|ping|heart[-_]?beat|up)(?:/|$)", re.IGNORECASE)
_AUTH = re.compile(
    r"/(?:sign[-_]?up|sign[-_]?in|log[-_]?in|register|registration|auth|authenticate|authentication|tokens?|jwt|access[-_]?token"
    r"|sessions?|oauth2?)(?:/|$)",
    re.IGNORECASE,
)
_NOT_AUTH = re.compile(r"/(?:log[-_]?out|sign[-_]?out|verify|callback|webhooks?)(?:/|$)", re.IGNORECASE)


class Wanted:
    """One request that is worth sending."""

    def __init__(self, kind: str, method: str, route: Route) -> None:
        """Take the route."""
        self.kind = kind
        self.route = route
        self.request = Request(method, route.path, b"{}" if kind == "auth" else None)


def wanted(routes: Iterable[Route]) -> Iterator[Wanted]:
    """Choose the routes to ask; those with parameters in their path can't be asked."""
    asked: set[tuple[str, str]] = set()
    for route in routes:
        if any(mark in route.path for mark in "{<:*"):
            continue
        for kind, method, looks in (("health", "GET", _looks_healthy), ("auth", "POST", _looks_auth)):
            if (
                method in route.methods
                and looks(route.path)
                and (method, route.path) not in asked
                and len(asked) < _MOST
            ):
                asked.add((method, route.path))
                yield Wanted(kind, method, route)


def _looks_healthy(path: str) -> bool:
    return _HEALTH.search(path) is not None


def promises_nothing(path: str) -> bool:
    """Whether the route only says that the process is alive: that needs no database."""
    return _ALIVE.search(path) is not None


def _looks_auth(path: str) -> bool:
    return _AUTH.search(path) is not None and _NOT_AUTH.search(path) is None


class Requests:
    """Sends requests.

    Args:
        recorder: where answers are told.
        app: the ASGI callable.
        state: what the app's lifespan left for its requests.
        seconds: how long one request may take.
    """

    def __init__(self, recorder: Recorder, app: Any, state: dict[str, Any], seconds: float) -> None:
        """Take what holds for every request."""
        self._recorder = recorder
        self._app = app
        self._state = state
        self._seconds = seconds
        self._host, self._scheme = host_of(app, framework(app)[1])
        self.healthy: list[Wanted] = []
        """The health routes that were answered well."""

    async def all(self, chosen: Iterable[Wanted], until: float) -> str:
        """Send them one after the other.

        Args:
            chosen: the requests.
            until: ``time.monotonic()`` after which none is sent any more.

        Returns:
            A note about what was not asked, or empty.
        """
        left = list(chosen)
        while left and time.monotonic() < until:
            one = left.pop(0)
            answer = await self._one(one, self._seconds, "response", {})
            if one.kind == "health" and answer.status is not None and answer.status < _REDIRECT:
                self.healthy.append(one)
        return f"{len(left)} routes were not asked: no time left" if left else ""

    async def outage(self, request: Wanted, state: str, seconds: float) -> bool:
        """Send one while the database is ``down``, ``up again`` or ``restarted``; tell whether it fails."""
        answer = await self._one(request, min(seconds, self._seconds), "outage", {"database": state})
        return answer.status is None or answer.status >= _REDIRECT

    async def _one(self, request: Wanted, seconds: float, event: str, more: dict[str, Json]) -> Answer:
        errors: list[BaseException] = []
        self._recorder.on_error = errors.append
        request.request.host, request.request.scheme = self._host, self._scheme
        answer = Answer()
        timed_out = False
        try:
            async with asyncio.timeout(seconds):
                await ask(self._app, request.request, self._state, answer)
        except TimeoutError as error:
            timed_out = not answer.done.is_set()
            errors.insert(0, error)
        except Exception as error:  # noqa: BLE001 - the app lets escape what it wants
            errors.insert(0, error)
        finally:
            self._recorder.on_error = None
        told: Json = self._recorder.error(errors[0]) if errors and not timed_out else None
        self._recorder.emit(
            event,
            kind=request.kind,
            method=request.request.method,
            path=request.route.path,
            status=answer.status,
            body=answer.body.decode("utf-8", "replace")[:_BODY],
            sent=(request.request.body or b"").decode(),
            error=told,
            timed_out=timed_out,
            place=endpoint_place(self._recorder, request.route),
            **more,
        )
        return answer


def endpoint_place(recorder: Recorder, route: Route) -> Json:
    """Find where the route's function (or class) is defined in the project."""
    code = getattr(route.endpoint, "__code__", None)
    if code is None:
        # An instance, or a class, that is called.
        code = getattr(getattr(type(route.endpoint), "__call__", None), "__code__", None)  # noqa: B004 - its code is wanted
    return recorder.sources.definition(code) if code is not None else None


def tell_routes(recorder: Recorder, routes: Iterable[Route]) -> None:
    """Tell every route."""
    for route in routes:
        recorder.emit(
            "route",
            path=route.path,
            methods=list(route.methods),
            endpoint=name_of(route.endpoint),
            place=endpoint_place(recorder, route),
        )
