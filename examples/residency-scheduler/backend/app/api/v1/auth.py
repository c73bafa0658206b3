from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, status
from sqlalchemy import func, select

from app.api.deps import CurrentUser, Database, create_record
from app.core.security import create_access_token, get_password_hash, password_problems, verify_password
from app.models import User
from app.schemas import Credentials, Token, UserCreate, UserOut

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/login/json")
def login(credentials: Credentials, session: Database) -> Token:
    user = session.scalar(select(User).where(User.username == credentials.username))
    if user is None or not user.is_active or not verify_password(credentials.password, user.hashed_password):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Incorrect username or password")
    user.last_login_at = datetime.now(UTC)
    session.commit()
    return Token(access_token=create_access_token(user.username))


@router.post("/register", status_code=status.HTTP_201_CREATED, response_model=UserOut)
def register(new: UserCreate, session: Database) -> User:
    """Register a user. The first user becomes admin, also without asking; later ones are created by an admin."""
    if session.scalar(select(func.count()).select_from(User)):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Registration is closed: ask an admin for an account")
    if problems := password_problems(new.password):
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, "; ".join(problems))
    user = User(username=new.username, email=new.email, hashed_password=get_password_hash(new.password), role="admin")
    return create_record(session, user, user)


@router.get("/me", response_model=UserOut)
def me(user: CurrentUser) -> User:
    return user
