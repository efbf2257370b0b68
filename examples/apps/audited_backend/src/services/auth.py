"""Making accounts and logging in."""

from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from src.core.security import hash_password, verify_password
from src.models import User
from src.schemas.auth import LoginRequest, SignupRequest


class EmailTakenError(Exception):
    """Another account has the address."""


class WrongCredentialsError(Exception):
    """No account has this address with this password."""


async def create_user(session: AsyncSession, request: SignupRequest) -> User:
    """Make an account."""
    email = request.email.lower()
    if await find_user(session, email) is not None:
        raise EmailTakenError(email)
    user = User(email=email, name=request.name, password_hash=hash_password(request.password))
    session.add(user)
    await session.commit()
    return user


async def authenticate(session: AsyncSession, request: LoginRequest) -> User:
    """Give the account that the credentials belong to."""
    user = await find_user(session, request.email.lower())
    if user is None or not verify_password(request.password, user.password_hash):
        raise WrongCredentialsError
    return user


async def find_user(session: AsyncSession, email: str) -> User | None:
    """Look an account up by its address."""
    result = await session.exec(select(User).where(User.email == email))
    return result.first()


async def get_user(session: AsyncSession, user_id: UUID) -> User | None:
    """Look an account up by its id."""
    return await session.get(User, user_id)
