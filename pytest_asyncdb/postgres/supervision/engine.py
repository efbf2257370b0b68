"""The few words that are needed with a container engine, over its socket; standard library only."""

from __future__ import annotations

import json
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    Endpoint = str | tuple[str, int]

PATIENCE = 10.0


def ask(endpoint: Endpoint, method: str, path: str, seconds: float = PATIENCE) -> tuple[int, bytes]:
    """Status and body of a request; HTTP 1.0, so that the body ends with the connection.

    Raises:
        OSError: the engine does not answer, or this user may not ask.
    """
    with socket.socket(socket.AF_UNIX if isinstance(endpoint, str) else socket.AF_INET) as connection:
        connection.settimeout(seconds)
        connection.connect(endpoint)
        connection.sendall(f"{method} {path} HTTP/1.0\r\nHost: engine\r\n\r\n".encode("ascii"))
        answer = b""
        while more := connection.recv(1 << 16):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - protocol, status
        raise OSError("what answers there is no container engine")
    return int(words[1]), body


def message(body: bytes) -> str:
    """The engine's own explanation."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
