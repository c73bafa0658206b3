from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Query, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.security import read_access_token
from app.db.base import Base
from app.db.session import get_session
from app.models import AuditEntry, User

Model = TypeVar("Model", bound=Base)

bearer = HTTPBearer(auto_error=False)

Database = Annotated[Session, Depends(get_session)]


def current_user(
    session: Database, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> User:
    username = read_access_token(credentials.credentials) if credentials else None
    user = session.scalar(select(User).where(User.username == username)) if username else None
    if user is None or not user.is_active:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def admin_user(user: CurrentUser) -> User:
    if user.role != "admin":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Admin role needed")
    return user


AdminUser = Annotated[User, Depends(admin_user)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0)]


def page_of(session: Session, model: type[Base], order: tuple, limit: int, offset: int) -> dict:
    """Return one page of items. `total` counts the rows of all pages."""
    return {
        "total": session.scalar(select(func.count()).select_from(model)),
        "items": session.scalars(select(model).order_by(*order).limit(limit).offset(offset)).all(),
    }


def create_record(session: Session, user: User, record: Model) -> Model:
    session.add(record)
    session.flush()
    session.add(AuditEntry(actor=user.username, action=f"create {record.__tablename__}", detail={"id": str(record.id)}))
    session.commit()
    return record
