"""Upgrades the database as its owner."""

import os
from urllib.parse import quote

from alembic import command
from alembic.config import Config

if __name__ == "__main__":
    config = Config("alembic.ini")
    config.set_main_option(  # expect: ADB602
        "sqlalchemy.url",
        "postgresql+asyncpg://owner:" + quote(os.environ["OWNER_PASSWORD"], safe="") + "@localhost/shop",
    )
    command.upgrade(config, "head")
