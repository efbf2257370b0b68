"""Accounts and tokens."""

from fastapi import APIRouter, HTTPException, status

from src.api.deps import CurrentUser, SessionDep
from src.core.security import create_access_token
from src.models import User
from src.schemas.auth import LoginRequest, SignupRequest, TokenResponse, UserResponse
from src.services import auth

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/signup", status_code=status.HTTP_201_CREATED)
async def signup(request: SignupRequest, session: SessionDep) -> TokenResponse:
    """Make an account."""
    try:
        user = await auth.create_user(session, request)
    except auth.EmailTakenError as error:
        raise HTTPException(status.HTTP_409_CONFLICT, "Email already registered") from error
    return _token_for(user)


@router.post("/login")
async def login(request: LoginRequest, session: SessionDep) -> TokenResponse:
    """Answer a token for valid credentials."""
    try:
        user = await auth.authenticate(session, request)
    except auth.WrongCredentialsError as error:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid email or password") from error
    return _token_for(user)


@router.get("/me")
async def me(user: CurrentUser) -> UserResponse:
    """The account that the token belongs to."""
    return UserResponse.model_validate(user)


def _token_for(user: User) -> TokenResponse:
    return TokenResponse(access_token=create_access_token(user.id), user=UserResponse.model_validate(user))
