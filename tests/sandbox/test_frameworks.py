"""What each framework serves: hidden and mounted routes, prefixes, hosts, and which of its routes are asked."""

from __future__ import annotations

import pytest

from pytest_asyncdb.sandbox.ask import wanted
from pytest_asyncdb.sandbox.routes import Route


def routes(record):
    return {(one.path, one.methods) for one in record.routes if not one.endpoint.startswith(("fastapi.", "litestar."))}


def answers(record):
    return {(one.kind, one.path): one.status for one in record.responses}


def test_fastapi(boot):
    record = boot(
        main="""
            from fastapi import APIRouter, Body, FastAPI
            from fastapi.responses import JSONResponse, RedirectResponse
            from starlette.middleware.trustedhost import TrustedHostMiddleware

            app = FastAPI(openapi_url=None)
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=["*.shop.example", "shop.example"])
            v1 = APIRouter(prefix="/v1")
            inner = FastAPI()
            deep = FastAPI()

            @v1.get("/health-check/", include_in_schema=False)
            async def hidden():
                return "fine"

            @inner.get("/readyz")
            async def mounted():
                return "fine"

            @inner.post("/token")
            async def token():
                return JSONResponse({"error": "invalid_request"}, 400)

            @deep.post("/login")
            async def login(username: str = Body(), password: str = Body()):
                return {}

            @v1.get("/private/healthz")
            async def private():
                return JSONResponse({}, 401)

            @app.get("/heartbeat")
            async def moved():
                return RedirectResponse("/elsewhere")

            @app.get("/{slug}")
            async def catch_all(slug: str):
                raise AttributeError(slug)

            inner.mount("/deep", deep)
            app.mount("/inner", inner)
            app.include_router(v1, prefix="/api")
        """
    )
    assert answers(record) == {
        ("health", "/api/v1/health-check/"): 200,
        ("health", "/inner/readyz"): 200,
        ("auth", "/inner/token"): 400,
        ("auth", "/inner/deep/login"): 422,
        ("health", "/api/v1/private/healthz"): 401,
        ("health", "/heartbeat"): 307,
    }
    assert ("/{slug}", ("GET",)) in routes(record)


def test_starlette_wrapped_in_its_own_middleware(boot):
    record = boot(
        main="""
            from starlette.applications import Starlette
            from starlette.middleware import Middleware
            from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
            from starlette.middleware.trustedhost import TrustedHostMiddleware
            from starlette.responses import PlainTextResponse
            from starlette.routing import Mount, Route, Router

            async def fine(request):
                return PlainTextResponse("fine")

            probes = Router([Route("/liveness", fine), Route("/readiness", fine)])
            inside = Starlette(
                routes=[Mount("/internal", app=probes), Route("/status", fine), Route("/orders/status", fine)],
                middleware=[Middleware(HTTPSRedirectMiddleware)],
            )
            app = TrustedHostMiddleware(inside, allowed_hosts=["shop.example"])
        """
    )
    assert record.framework == "starlette"
    assert set(answers(record)) == {
        ("health", "/internal/liveness"),
        ("health", "/internal/readiness"),
        ("health", "/status"),
    }
    assert set(answers(record).values()) == {200}


def test_litestar(boot):
    record = boot(
        main="""
            from dataclasses import dataclass

            from litestar import Controller, Litestar, Router, get, post
            from litestar.config.allowed_hosts import AllowedHostsConfig

            @dataclass
            class Account:
                email: str

            class Probes(Controller):
                path = "/probe"

                @get("/health", include_in_schema=False)
                async def health(self) -> str:
                    return "fine"

            @post("/signup")
            async def signup(data: Account) -> str:
                return "in"

            @get("/{name:str}")
            async def named(name: str) -> str:
                raise AttributeError(name)

            app = Litestar(
                [Router("/api", route_handlers=[Probes, signup]), named],
                allowed_hosts=AllowedHostsConfig(allowed_hosts=["*.shop.example"]),
            )
        """
    )
    assert answers(record) == {("health", "/api/probe/health"): 200, ("auth", "/api/signup"): 400}


def test_quart_with_blueprints_and_its_own_startup(boot):
    record = boot(
        main="""
            from quart import Blueprint, Quart, request

            app = Quart(__name__)
            app.config["SERVER_NAME"] = "shop.example"
            api = Blueprint("api", __name__, url_prefix="/api/v1")
            ready = []

            @app.before_serving
            async def begin():
                ready.append(True)

            @app.after_serving
            async def end():
                print("ended")

            @api.get("/readiness")
            async def readiness():
                return {"ready": ready}

            @api.post("/auth/login")
            async def login():
                data = await request.get_json()
                return ({}, 401) if not data else ({}, 200)

            @app.get("/<slug>")
            async def catch_all(slug):
                raise AttributeError(slug)

            @api.websocket("/health")
            async def socket():
                pass

            app.register_blueprint(api)
        """
    )
    assert record.framework == "quart"
    assert answers(record) == {("health", "/api/v1/readiness"): 200, ("auth", "/api/v1/auth/login"): 401}
    assert "true" in next(one.body for one in record.responses if one.kind == "health")
    assert "ended" in {one.message for one in record.logs if one.phase == "shutdown"}


def test_sanic_with_blueprints_and_its_own_startup(boot):
    record = boot(
        main="""
            from sanic import Blueprint, Sanic
            from sanic.response import json

            app = Sanic("shop")
            api = Blueprint("api", url_prefix="/api", version=1)

            @app.before_server_start
            async def begin(app):
                app.ctx.ready = True

            @app.after_server_stop
            async def end(app):
                print("ended")

            @api.get("/healthcheck")
            async def healthcheck(request):
                return json({"ready": request.app.ctx.ready})

            @api.post("/auth/register")
            async def register(request):
                return json({}, status=422)

            @app.get("/<slug:str>")
            async def catch_all(request, slug):
                raise AttributeError(slug)

            app.blueprint(api)
        """
    )
    assert record.framework == "sanic"
    assert [phase.name for phase in record.phases if not phase.ok] == []
    assert answers(record) == {("health", "/v1/api/healthcheck"): 200, ("auth", "/v1/api/auth/register"): 422}
    assert "true" in next(one.body for one in record.responses if one.kind == "health")
    assert "ended" in {one.message for one in record.logs if one.phase == "shutdown"}


@pytest.mark.parametrize(
    "path",
    [
        "/health", "/healthz", "/healthcheck", "/health-check/", "/health_check", "/probe/health", "/readiness",
        "/ready", "/readyz", "/ping", "/heartbeat", "/api/health", "/v1/health", "/api/v1/utils/health-check/",
        "/-/healthy", "/health/db", "/healthz/live", "/_health", "/db-health", "/is_alive", "/api/v1/status", "/up",
        "/live", "/system/tasks/queue-health",
    ],
)  # fmt: skip
def test_names_of_health_routes(path):
    assert [one.kind for one in wanted([Route(path, ["GET"], None)])] == ["health"]


@pytest.mark.parametrize("path", ["/{slug}", "/<slug>", "/orders/status", "/healthcare", "/mental-health", "/sign/up"])
def test_what_only_looks_like_one(path):
    assert list(wanted([Route(path, ["GET"], None)])) == []
