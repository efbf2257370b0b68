"""Settings, read from the environment and `.env`."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class Settings(BaseSettings):
    """Where the database is."""

    model_config = SettingsConfigDict(env_file=".env", env_prefix="POSTGRES_", extra="ignore")

    host: str = "localhost"
    port: int = 5432
    user: str = "notes"
    password: SecretStr
    db: str = "notes"

    @property
    def database_url(self) -> URL:
        """The address of the database, for SQLAlchemy."""
        return URL.create(
            "postgresql+asyncpg",
            username=self.user,
            password=self.password.get_secret_value(),
            host=self.host,
            port=self.port,
            database=self.db,
        )


settings = Settings()
