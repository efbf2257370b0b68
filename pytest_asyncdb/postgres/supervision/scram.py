"""SCRAM-SHA-256 (RFC 5802, 7677) from both sides, as far as the front needs it to bind it to its own TLS."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os

BINDING = "p=tls-server-end-point,,"
MECHANISM = "SCRAM-SHA-256"
BOUND_MECHANISM = "SCRAM-SHA-256-PLUS"


class Keys:
    """What is derived from one password: enough to act as its server and as its client."""

    __slots__ = ("client", "iterations", "salt", "server", "stored")

    def __init__(self, salt: bytes, iterations: int, client: bytes, server: bytes) -> None:
        """Keep the keys."""
        self.salt = salt
        self.iterations = iterations
        self.client = client
        self.server = server
        self.stored = hashlib.sha256(client).digest()

    @property
    def verifier(self) -> str:
        """The form in which Postgres keeps a password."""
        return f"{MECHANISM}${self.iterations}:{b64(self.salt)}${b64(self.stored)}:{b64(self.server)}"

    def as_message(self) -> tuple[bytes, int, bytes, bytes]:
        """The arguments that make these keys again."""
        return self.salt, self.iterations, self.client, self.server

    def proof(self, conversation: str) -> bytes:
        """What a client that knows the password says at the end."""
        signature = hmac.digest(self.stored, conversation.encode(), "sha256")
        return bytes(a ^ b for a, b in zip(self.client, signature, strict=True))

    def signature(self, conversation: str) -> bytes:
        """What a server that knows the password answers."""
        return hmac.digest(self.server, conversation.encode(), "sha256")


def derive(password: str) -> Keys:
    """Keys of an ASCII password, with a fresh salt and as many iterations as a server uses by default."""
    salt, iterations = os.urandom(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client, server = (hmac.digest(salted, label, "sha256") for label in (b"Client Key", b"Server Key"))
    return Keys(salt, iterations, client, server)


class BoundServer:
    """The server's side of one conversation with a client that binds it to the TLS channel."""

    def __init__(self, keys: Keys, certificate: bytes, client_first: str) -> None:
        """Take the client's first message; ``certificate`` is the server's, DER.

        Raises:
            ValueError: the message does not bind to the server's certificate.
        """
        if not client_first.startswith(BINDING):
            raise ValueError("the client does not bind to tls-server-end-point")
        self._keys = keys
        self._client_first = client_first.removeprefix(BINDING)
        self._bound = b64(BINDING.encode() + hashlib.sha256(certificate).digest())
        self._nonce = attributes(self._client_first)["r"] + b64(os.urandom(18))
        self.first = f"r={self._nonce},s={b64(keys.salt)},i={keys.iterations}"
        self._conversation = ""

    def accepts(self, client_final: str) -> bool:
        """Whether the client knows the password, on this very channel."""
        said = attributes(client_final)
        without_proof = client_final[: client_final.rindex(",p=")]
        self._conversation = f"{self._client_first},{self.first},{without_proof}"
        known = hmac.compare_digest(said["p"], b64(self._keys.proof(self._conversation)))
        return known and said["r"] == self._nonce and said["c"] == self._bound

    @property
    def final(self) -> str:
        """The last word."""
        return f"v={b64(self._keys.signature(self._conversation))}"


class PlainClient:
    """The client's side of one conversation without channel binding."""

    def __init__(self, keys: Keys) -> None:
        """Begin."""
        self._keys = keys
        self._bare = f"n=,r={b64(os.urandom(18))}"
        self.first = f"n,,{self._bare}"

    def final(self, server_first: str, *, honest: bool) -> str:
        """The last word; a dishonest one makes the server refuse in its own words."""
        without_proof = f"c=biws,r={attributes(server_first)['r']}"
        proof = self._keys.proof(f"{self._bare},{server_first},{without_proof}")
        return f"{without_proof},p={b64(proof if honest else bytes(len(proof)))}"


def attributes(message: str) -> dict[str, str]:
    """``r=...,s=...`` as a mapping.

    Raises:
        ValueError: the message is not made of such pairs.
    """
    return dict(one.split("=", 1) for one in message.split(","))


def b64(data: bytes) -> str:
    """Base 64 without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode()
