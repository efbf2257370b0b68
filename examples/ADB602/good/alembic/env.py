import asyncio

from alembic import context
from config import settings
from sqlalchemy.ext.asyncio import async_engine_from_config

config = context.config
config.set_main_option("sqlalchemy.url", str(settings.DATABASE_URL).replace("%", "%%"))


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def upgrade():
    engine = async_engine_from_config(config.get_section(config.config_ini_section))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(upgrade())
