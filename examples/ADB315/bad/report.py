"""Writes a report, with a connection of its own."""

import asyncio
import os
import urllib.parse

import asyncpg


async def main():
    connection = await asyncpg.connect(
        host="localhost",
        user="shop",
        password=urllib.parse.quote(os.environ["DB_PASSWORD"], safe=""),  # expect: ADB315
        database="shop",
    )
    print(await connection.fetchval("SELECT count(*) FROM orders"))
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
