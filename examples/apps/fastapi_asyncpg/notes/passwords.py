"""Password hashes."""

import hashlib
import hmac
import secrets


def make_hash(password: str) -> str:
    """Hash a password with a fresh salt."""
    salt = secrets.token_hex(16)
    return f"{salt}${_digest(password, salt)}"


def fits(password: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash."""
    salt, _, digest = password_hash.partition("$")
    return hmac.compare_digest(digest, _digest(password, salt))


def _digest(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()
