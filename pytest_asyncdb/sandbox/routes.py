"""Which routes an app really serves, hidden and mounted ones included, per framework."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAMEWORKS = ("fastapi", "litestar", "quart", "sanic", "flask", "django", "aiohttp", "starlette")
_DEPTH = 12


class Route:
    """One route: path, methods and the function behind it."""

    def __init__(self, path: str, methods: Any, endpoint: Any) -> None:
        """Take what the framework tells."""
        self.path = path or "/"
        self.methods = sorted(str(method).upper() for method in methods or ())
        self.endpoint = unwrapped(endpoint)


def framework(app: Any) -> tuple[str | None, Any]:
    """Find the framework's app object, inside whatever middleware it is wrapped in.

    Returns:
        Name of the framework, or None, and the object with the routes.
    """
    for _ in range(_DEPTH):
        modules = {cls.__module__.partition(".")[0] for cls in type(app).__mro__}
        found = next((name for name in _FRAMEWORKS if name in modules), None)
        if found is not None and (found != "starlette" or hasattr(app, "routes")):
            return found, app
        inner = next(
            (one for name in ("app", "other_asgi_app", "asgi_app", "application") if (one := _attribute(app, name))),
            None,
        )
        if inner is None or inner is app:
            return found, app
        app = inner
    return None, app


def _attribute(owner: Any, name: str) -> Any:
    try:
        value = getattr(owner, name, None)
    except Exception:  # noqa: BLE001 - a property of the project may raise anything
        return None
    return value if callable(value) and not hasattr(value, "__func__") else None


def routes(app: Any) -> list[Route]:
    """List the routes of an app of any known framework."""
    name, owner = framework(app)
    if name in ("fastapi", "starlette"):
        return list(starlette(owner.routes, "", 0))
    if name == "litestar":
        return list(_litestar(owner))
    if name in ("quart", "flask"):
        return [
            Route(str(rule.rule), rule.methods, owner.view_functions.get(rule.endpoint))
            for rule in owner.url_map.iter_rules()
            if not getattr(rule, "websocket", False)
        ]
    if name == "sanic":
        return [Route("/" + str(route.path).lstrip("/"), route.methods, route.handler) for route in owner.router.routes]
    return []


def starlette(found: Any, prefix: str, depth: int) -> Iterator[Route]:
    """Walk the routes of Starlette and FastAPI, mounts and included routers with them."""
    for route in found if depth < _DEPTH else ():
        if hasattr(route, "effective_route_contexts"):
            # FastAPI from 0.137 on keeps an included router as one object.
            for context in route.effective_route_contexts():
                real = context.starlette_route
                if real is not None:
                    yield from starlette([real], prefix, depth + 1)
                elif context.methods or hasattr(context.original_route, "methods"):
                    yield Route(prefix + context.path, context.methods, context.endpoint)
        elif getattr(route, "methods", None) and hasattr(route, "endpoint"):
            yield Route(prefix + route.path, route.methods, route.endpoint)
        elif hasattr(route, "routes") and hasattr(route, "path"):
            _, owner = framework(getattr(route, "app", None))
            yield from starlette(getattr(owner, "routes", None) or route.routes or (), prefix + route.path, depth + 1)


def _litestar(app: Any) -> Iterator[Route]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            methods = getattr(handler, "http_methods", ())
            function = getattr(handler.fn, "value", handler.fn)
            if set(methods) != {"OPTIONS"}:
                yield Route(route.path, methods, function)


def unwrapped(endpoint: Any) -> Any:
    """Find the function that a person wrote below decorators, partials and bound methods."""
    for _ in range(_DEPTH):
        inner = endpoint.func if isinstance(endpoint, functools.partial) else getattr(endpoint, "__wrapped__", None)
        inner = inner or getattr(endpoint, "__func__", None)
        if inner is None:
            return endpoint
        endpoint = inner
    return endpoint


def name_of(endpoint: Any) -> str:
    """Tell the dotted name of an endpoint."""
    if endpoint is None:
        return ""
    named = endpoint if hasattr(endpoint, "__qualname__") else type(endpoint)
    return f"{named.__module__}.{named.__qualname__}"
