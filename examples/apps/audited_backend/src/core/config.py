"""Settings, read from the environment and `.env`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that differs between machines."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore")

    DATABASE_URL: str
    ENVIRONMENT: str = "development"
    LOG_LEVEL: str = "INFO"
    PORT: int = 8081
    CORS_ORIGINS: str = "http://localhost:3000"
    JWT_SECRET: str
    JWT_EXPIRE_MINUTES: int = 60

    @property
    def cors_origins_list(self) -> list[str]:
        """The origins that browsers may call from."""
        return [origin.strip() for origin in self.CORS_ORIGINS.split(",") if origin.strip()]

    @property
    def is_production(self) -> bool:
        """Whether this is the deployment that customers use."""
        return self.ENVIRONMENT == "production"


settings = Settings()
