from __future__ import annotations

from fastapi import APIRouter, status

from app.api.deps import AdminUser, CurrentUser, Database, Limit, Offset, create_record, page_of
from app.models import Block
from app.schemas import BlockCreate, BlockOut, Page

router = APIRouter(prefix="/blocks", tags=["blocks"])


@router.get("", response_model=Page[BlockOut])
def list_blocks(session: Database, user: CurrentUser, limit: Limit = 100, offset: Offset = 0) -> dict:
    return page_of(session, Block, (Block.date, Block.time_of_day), limit, offset)


@router.post("", status_code=status.HTTP_201_CREATED, response_model=BlockOut)
def create_block(new: BlockCreate, session: Database, user: AdminUser) -> Block:
    return create_record(session, user, Block(**new.model_dump()))
