"""Password hashes and signed access tokens."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from uuid import UUID

from src.core.config import settings


class InvalidTokenError(Exception):
    """The token was not signed by this service, is damaged or has expired."""


def hash_password(password: str) -> str:
    """Hash a password with a fresh salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def verify_password(password: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash."""
    salt, _, digest = password_hash.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), digest)


def create_access_token(user_id: UUID) -> str:
    """Sign a token that names the user and when it expires."""
    expires = int(time.time()) + settings.JWT_EXPIRE_MINUTES * 60
    payload = _encode(json.dumps({"sub": str(user_id), "exp": expires}).encode())
    return f"{payload}.{_sign(payload)}"


def read_access_token(token: str) -> UUID:
    """Give the user that a token names."""
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(_sign(payload).encode(), signature.encode()):
        raise InvalidTokenError("bad signature")
    claims = json.loads(base64.urlsafe_b64decode(payload))
    if claims["exp"] < time.time():
        raise InvalidTokenError("expired")
    return UUID(claims["sub"])


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def _sign(payload: str) -> str:
    return _encode(hmac.digest(settings.JWT_SECRET.encode(), payload.encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
