from __future__ import annotations

from fastapi import APIRouter, FastAPI

from app.api.v1 import auth, blocks, people, rotation_templates, schedule

app = FastAPI(title="Residency Scheduler", version="1.0.0")

v1 = APIRouter(prefix="/api/v1")
for module in (auth, people, blocks, rotation_templates, schedule):
    v1.include_router(module.router)
app.include_router(v1)


@app.get("/health", tags=["health"])
def health() -> dict[str, str]:
    return {"status": "healthy", "database": "connected"}
