from __future__ import annotations

from fastapi import APIRouter, status

from app.api.deps import AdminUser, CurrentUser, Database, Limit, Offset, create_record, page_of
from app.models import RotationTemplate
from app.schemas import Page, RotationTemplateCreate, RotationTemplateOut

router = APIRouter(prefix="/rotation-templates", tags=["rotation templates"])


@router.get("", response_model=Page[RotationTemplateOut])
def list_rotation_templates(session: Database, user: CurrentUser, limit: Limit = 100, offset: Offset = 0) -> dict:
    return page_of(session, RotationTemplate, (RotationTemplate.name,), limit, offset)


@router.post("", status_code=status.HTTP_201_CREATED, response_model=RotationTemplateOut)
def create_rotation_template(new: RotationTemplateCreate, session: Database, user: AdminUser) -> RotationTemplate:
    return create_record(session, user, RotationTemplate(**new.model_dump()))
