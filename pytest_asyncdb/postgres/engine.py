"""Where the container engine is, and whether it answers: found out without importing a client for it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pytest_asyncdb.postgres.supervision.engine import ask, message

if TYPE_CHECKING:
    from pytest_asyncdb.postgres.supervision.engine import Endpoint

SOCKET = "/var/run/docker.sock"
OK = 200
INSTALL = "start the engine (e.g. `systemctl start docker`, Docker Desktop, `colima start`) or set DOCKER_HOST"


def address() -> str:
    """The engine's address as a client would find it: DOCKER_HOST, the current context, the usual socket."""
    return os.environ.get("DOCKER_HOST") or _of_context() or f"unix://{SOCKET}"


def _of_context() -> str:
    home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        name = (
            os.environ.get("DOCKER_CONTEXT") or json.loads((home / "config.json").read_text("utf-8"))["currentContext"]
        )
        meta = home / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        return str(json.loads(meta.read_text("utf-8"))["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # no context chosen, or the default one


def endpoint() -> Endpoint | None:
    """The engine's socket; None when it is reached in a way that only its client knows (ssh, TLS)."""
    parts = urlsplit(address())
    if parts.scheme == "unix":
        return parts.path
    if parts.scheme in {"tcp", "http"} and parts.hostname and not os.environ.get("DOCKER_TLS_VERIFY"):
        return parts.hostname, parts.port or 2375
    return None


def silent() -> str | None:
    """Why the engine does not answer; None when it does (1 ms)."""
    where = endpoint()
    if where is None:
        return None  # the client will tell
    try:
        status, body = ask(where, "GET", "/_ping", seconds=3.0)
    except PermissionError:
        return f"this user may not use the engine at {address()}; add the user to the group of that socket"
    except (FileNotFoundError, ConnectionRefusedError):
        return f"no container engine at {address()}; {INSTALL}"
    except OSError as error:
        return f"the container engine at {address()} does not answer ({error}); {INSTALL}"
    return None if status == OK else f"the container engine at {address()} answers: {message(body)}"


def has_image(image: str) -> bool | None:
    """Whether the engine has the image; None when it cannot be asked without its client."""
    where = endpoint()
    if where is None:
        return None
    try:
        status, _ = ask(where, "GET", f"/images/{quote(image)}/json")
    except OSError:
        return False
    return status == OK
