"""Registering, and who is asking."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from notes import passwords
from notes.database import session
from notes.models import Account

router = APIRouter(prefix="/auth", tags=["auth"])
Session = Annotated[AsyncSession, Depends(session)]


class Registration(BaseModel):
    """A new account."""

    name: str = Field(min_length=1, max_length=50)
    password: str = Field(min_length=8)


class Registered(BaseModel):
    """The account that was made."""

    id: int
    name: str


async def current_account(db: Session, credentials: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> Account:
    """The account whose name and password the request carries."""
    account = await db.scalar(select(Account).where(Account.name == credentials.username))
    if account is None or not passwords.fits(credentials.password, account.password_hash):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Wrong name or password")
    return account


CurrentAccount = Annotated[Account, Depends(current_account)]


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(registration: Registration, db: Session) -> Registered:
    """Make an account."""
    if await db.scalar(select(Account.id).where(Account.name == registration.name)) is not None:
        raise HTTPException(status.HTTP_409_CONFLICT, "Name is taken")
    account = Account(name=registration.name, password_hash=passwords.make_hash(registration.password))
    db.add(account)
    await db.flush()
    return Registered(id=account.id, name=account.name)


@router.get("/me")
async def me(account: CurrentAccount) -> Registered:
    """The account that is asking."""
    return Registered(id=account.id, name=account.name)
