"""Accounts of customers."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from litestar import Controller, post
from litestar.exceptions import ClientException, NotAuthorizedException
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Customer


@dataclass
class Credentials:
    """What a customer signs up and logs in with."""

    email: str
    password: str


@dataclass
class Welcome:
    """The customer who is now known."""

    email: str


class AccountController(Controller):
    """Signing up and logging in."""

    path = "/auth"

    @post("/signup")
    async def signup(self, data: Credentials, session: AsyncSession) -> Welcome:
        """Make an account."""
        if await session.get(Customer, data.email) is not None:
            raise ClientException("This address has an account", status_code=409)
        salt = secrets.token_hex(16)
        session.add(Customer(email=data.email, password_hash=f"{salt}${_digest(data.password, salt)}"))
        return Welcome(data.email)

    @post("/login", status_code=200)
    async def login(self, data: Credentials, session: AsyncSession) -> Welcome:
        """Check credentials."""
        customer = await session.get(Customer, data.email)
        salt, _, digest = (customer.password_hash if customer else "").partition("$")
        if not hmac.compare_digest(digest, _digest(data.password, salt)):
            raise NotAuthorizedException("Wrong address or password")
        return Welcome(data.email)


def _digest(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()
