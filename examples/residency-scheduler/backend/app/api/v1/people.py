from __future__ import annotations

from fastapi import APIRouter, status

from app.api.deps import AdminUser, CurrentUser, Database, Limit, Offset, create_record, page_of
from app.models import Person
from app.schemas import Page, PersonCreate, PersonOut

router = APIRouter(prefix="/people", tags=["people"])


@router.get("", response_model=Page[PersonOut])
def list_people(session: Database, user: CurrentUser, limit: Limit = 100, offset: Offset = 0) -> dict:
    return page_of(session, Person, (Person.type, Person.pgy_level, Person.name), limit, offset)


@router.post("", status_code=status.HTTP_201_CREATED, response_model=PersonOut)
def create_person(new: PersonCreate, session: Database, user: AdminUser) -> Person:
    return create_record(session, user, Person(**new.model_dump()))
