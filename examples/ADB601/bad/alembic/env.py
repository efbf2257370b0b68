from alembic import context
from database import URL
from sqlalchemy import engine_from_config

engine = engine_from_config({"sqlalchemy.url": URL})

with engine.connect() as connection:  # expect: ADB601
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
