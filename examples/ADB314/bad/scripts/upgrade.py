"""Upgrades the database."""

from alembic import command
from alembic.config import Config

from database import engine

if __name__ == "__main__":
    config = Config("alembic.ini")
    url = engine.url.set(drivername="postgresql+psycopg")
    config.set_main_option("sqlalchemy.url", url.render_as_string())  # expect: ADB314
    command.upgrade(config, "head")
