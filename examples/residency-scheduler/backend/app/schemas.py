"""Define the requests and answers of the API."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, EmailStr, Field

Item = TypeVar("Item")
Role = Literal["admin", "coordinator", "faculty", "resident"]


class Record(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    total: int
    items: list[Item]


class Credentials(BaseModel):
    username: str
    password: str


class Token(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"


class UserCreate(BaseModel):
    username: str = Field(min_length=3, max_length=100)
    email: EmailStr
    password: str
    role: Role = "resident"


class UserOut(Record):
    id: uuid.UUID
    username: str
    email: str
    role: Role
    is_active: bool


class PersonCreate(BaseModel):
    name: str = Field(min_length=1, max_length=255)
    email: EmailStr | None = None
    type: Literal["resident", "faculty"]
    pgy_level: int | None = Field(default=None, ge=1, le=3)
    faculty_role: Literal["pd", "apd", "oic", "dept_chief", "sports_med", "core", "adjunct"] | None = None
    call_exempt: bool = False


class PersonOut(PersonCreate, Record):
    id: uuid.UUID
    email: str | None


class BlockCreate(BaseModel):
    date: dt.date
    time_of_day: Literal["AM", "PM"]
    block_number: int = Field(ge=0, le=13)
    is_weekend: bool = False
    is_holiday: bool = False


class BlockOut(BlockCreate, Record):
    id: uuid.UUID


class RotationTemplateCreate(BaseModel):
    name: str = Field(min_length=1, max_length=255)
    activity_type: Literal[
        "clinic", "inpatient", "night_float", "procedures", "conference", "elective", "off", "recovery", "absence"
    ]
    abbreviation: str | None = Field(default=None, max_length=12)
    max_residents: int | None = Field(default=None, ge=1)
    supervision_required: bool = True
    leave_eligible: bool = True


class RotationTemplateOut(RotationTemplateCreate, Record):
    id: uuid.UUID


class Period(BaseModel):
    start_date: dt.date
    end_date: dt.date


class ViolationOut(Record):
    constraint: str
    message: str
    person: str | None
    day: dt.date | None


class ValidationReport(BaseModel):
    valid: bool
    constraints: int
    violations: list[ViolationOut]
