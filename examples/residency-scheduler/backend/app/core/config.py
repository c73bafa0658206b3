from __future__ import annotations

from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class Settings(BaseSettings):
    """Configuration from the environment; DATABASE_URL wins over the DB_* parts."""

    model_config = SettingsConfigDict(env_file=".env")

    database_url: str | None = None
    db_host: str = "localhost"
    db_port: int = 5432
    db_name: str = "residency_scheduler"
    db_user: str = "scheduler"
    db_password: str = ""

    redis_url: str = "redis://localhost:6379/0"
    secret_key: str
    access_token_minutes: int = 480

    @property
    def sqlalchemy_url(self) -> str:
        if self.database_url:
            return self.database_url
        url = URL.create("postgresql+psycopg", self.db_user, self.db_password, self.db_host, self.db_port, self.db_name)
        return url.render_as_string(hide_password=False)


@lru_cache
def get_settings() -> Settings:
    return Settings()
