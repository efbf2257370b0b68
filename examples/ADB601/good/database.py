from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://shop@localhost/shop"

engine = create_async_engine(URL, pool_pre_ping=True)
