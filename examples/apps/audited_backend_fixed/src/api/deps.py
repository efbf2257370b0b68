"""What several routes depend on."""

from typing import Annotated

from fastapi import Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from src.core.database import get_session
from src.core.security import InvalidTokenError, read_access_token
from src.models import User
from src.services import auth

SessionDep = Annotated[AsyncSession, Depends(get_session)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def get_current_user(session: SessionDep, credentials: Credentials) -> User:
    """The account that the request's token belongs to."""
    unauthorized = HTTPException(status.HTTP_401_UNAUTHORIZED, "Not authenticated")
    if credentials is None:
        raise unauthorized
    try:
        user_id = read_access_token(credentials.credentials)
    except InvalidTokenError as error:
        raise unauthorized from error
    user = await auth.get_user(session, user_id)
    if user is None:
        raise unauthorized
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]
