"""Short links: `POST /links` keeps an address, `GET /to/{word}` leads there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from database import engine, new_session
from models import Base, Link


async def health(request: Request) -> Response:
    """Healthy means that the database answers."""
    async with new_session() as session:
        await session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})


async def keep(request: Request) -> Response:
    """Keep a link under a word."""
    try:
        body = await request.json()
        link = Link(word=str(body["word"]), address=str(body["address"]))
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "word and address are needed"}, status_code=400)
    try:
        async with new_session.begin() as session:
            session.add(link)
    except IntegrityError:
        return JSONResponse({"error": "this word is taken"}, status_code=409)
    return JSONResponse({"word": link.word}, status_code=201)


async def follow(request: Request) -> Response:
    """Lead to the address of a word."""
    async with new_session() as session:
        address = await session.scalar(select(Link.address).where(Link.word == request.path_params["word"]))
    if address is None:
        return JSONResponse({"error": "no such word"}, status_code=404)
    return RedirectResponse(address)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Have the table ready before the first request, and no connection left after the last."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    try:
        yield
    finally:
        await engine.dispose()


app = Starlette(
    routes=[
        Route("/healthz", health),
        Route("/links", keep, methods=["POST"]),
        Mount("/to", routes=[Route("/{word}", follow)]),
    ],
    lifespan=lifespan,
)
