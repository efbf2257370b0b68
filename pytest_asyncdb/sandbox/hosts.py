"""Which host and scheme an app lets through, read off its own middleware: a request to another one says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEFAULT = "localhost"
_TRUSTED = "TrustedHostMiddleware"
_SECURE = "HTTPSRedirectMiddleware"
_DEPTH = 12


def host_of(app: Any, owner: Any) -> tuple[str, str]:
    """Tell the ``Host`` and the scheme to ask with.

    Args:
        app: the ASGI callable, with whatever it is wrapped in.
        owner: the framework's app object inside.
    """
    secure, hosts = False, _framework_hosts(owner)
    for cls, options in _middleware(app, owner):
        names = {base.__name__ for base in getattr(cls, "__mro__", ())}
        secure = secure or _SECURE in names
        if _TRUSTED in names and not hosts:
            hosts = options.get("allowed_hosts")
    return _allowed(hosts or ()), "https" if secure else "http"


def _framework_hosts(owner: Any) -> Any:
    """Hosts that the framework itself asks for: Litestar's setting, and the only name that Quart answers to."""
    config = getattr(owner, "allowed_hosts", None)
    hosts = getattr(config, "allowed_hosts", config)
    if isinstance(hosts, list | tuple):
        return hosts
    settings = getattr(owner, "config", None)
    # Sanic's setting of that name is for links only.
    if isinstance(settings, dict) and settings.get("SERVER_NAME") and hasattr(owner, "url_map"):
        return (settings["SERVER_NAME"],)
    return None


def _middleware(app: Any, owner: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each middleware's class with its options: those around the app, then those that the app was given."""
    for _ in range(_DEPTH):
        if app is None or app is owner:
            break
        hosts = getattr(app, "allowed_hosts", None)
        yield type(app), {"allowed_hosts": hosts} if isinstance(hosts, list | tuple) else {}
        app = getattr(app, "app", None)
    for one in getattr(owner, "user_middleware", None) or ():
        options = dict(getattr(one, "kwargs", None) or getattr(one, "options", None) or {})
        given = getattr(one, "args", ())
        if given and isinstance(given[0], list | tuple):
            options.setdefault("allowed_hosts", given[0])
        yield getattr(one, "cls", None), options


def _allowed(hosts: Iterable[Any]) -> str:
    """The first host that can be asked for: of ``*.example.com`` some name below it."""
    patterns = [str(one) for one in hosts]
    if not patterns or "*" in patterns or _DEFAULT in patterns:
        return _DEFAULT
    first = patterns[0]
    return f"www{first[1:]}" if first.startswith("*.") else first
