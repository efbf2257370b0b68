"""Modules that do not import, end the process or never end: each is a record, none is a hang."""

from __future__ import annotations

import json

import pytest

from pytest_asyncdb.model.errors import unset_settings
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox import request
from pytest_asyncdb.sandbox.launch import start


def test_module_that_is_missing(boot):
    record = boot(main="\n\nfrom helpers import thing", helpers="from nowhere.at_all import thing")
    phase = record.phase("import")
    assert (phase.ok, phase.error.type) == (False, "ModuleNotFoundError")
    assert phase.error.place == Place("helpers.py", 1, 1)
    assert phase.error.frames == (Place("main.py", 3, 1), Place("helpers.py", 1, 1))
    assert dict(phase.error.attributes)["name"] == "nowhere"
    assert record.end.how == "done"
    assert record.phase("startup") is None


def test_name_that_does_not_live_there(boot):
    record = boot(main="from sqlmodel.ext.asyncio.session import AsyncEngine")
    error = record.phase("import").error
    assert error.type == "ImportError"
    attributes = dict(error.attributes)
    assert (attributes["name"], attributes["path"].endswith("session.py")) == ("sqlmodel.ext.asyncio.session", True)


def test_circular_import(boot):
    record = boot(main="import a", a="from b import B\nclass A: pass", b="from a import A\nclass B: pass")
    error = record.phase("import").error
    assert error.type == "ImportError"
    assert "circular import" in error.message
    assert error.place == Place("b.py", 1, 1)


def test_syntax_error(boot):
    record = boot(main="import broken", broken="x = (\n")
    error = record.phase("import").error
    assert error.type == "SyntaxError"
    assert error.place == Place("broken.py", 1, 5)


def test_attribute_that_is_missing(boot):
    record = boot("main:application", main="app = 1")
    error = record.phase("import").error
    assert error.type == "pytest_asyncdb.sandbox.imports.NoSuchAppError"
    assert error.message == "module 'main' has no attribute 'application'"


def test_missing_settings(boot):
    record = boot(
        main="""
            from pydantic_settings import BaseSettings

            class Settings(BaseSettings):
                database_host: str
                jwt_key: str

            settings = Settings()
        """,
    )
    error = record.phase("import").error
    assert error.type.endswith("ValidationError")
    assert dict(error.attributes)["missing"] == "database_host,jwt_key"
    assert dict(error.attributes)["model"] == "Settings"
    assert unset_settings(error) == ("DATABASE_HOST", "JWT_KEY")
    assert error.place.path == "main.py"


def test_a_failing_start_is_known_before_all_else_was_tried(project, request_for):
    root = project(main="import os\nos.environ['SHOP_REGION']", slow="import time; time.sleep(60)", fine="app = None")
    waits = start(request_for(root, modules=(("slow", "slow.py"),)))
    passes = start(request_for(root, "fine:app"))
    try:
        failed = waits.failed_start()
        assert failed.phase("import").error.message == "'SHOP_REGION'"
        assert failed.imports == ()
        passes.no_server("none was started")
        assert passes.failed_start() is None
        assert passes.result().passed("import")
    finally:
        waits.kill()
        passes.kill()


def test_a_model_that_reads_no_environment_is_no_setting(boot):
    record = boot(main="from pydantic import BaseModel\nclass User(BaseModel):\n    name: str\nUser()\n")
    error = record.phase("import").error
    assert dict(error.attributes)["missing"] == "name"
    assert unset_settings(error) == ()


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("raise SystemExit(4)", 4, "4"),
        ("import sys; sys.exit('no settings')", 1, "no settings"),
        ("import os; os._exit(3)", 3, "os._exit"),
    ],
)
@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_process_is_ended_at_import(boot, line, code, detail):
    record = boot(main="import ender", ender=f"\n{line}\n")
    end = record.end
    assert (end.how, end.phase, end.code, end.detail) == ("exit", "import", code, detail)
    assert end.place.path == "ender.py"
    assert end.place.line == 2
    assert not record.phase("import").ok


@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_import_never_ends(boot):
    record = boot(main="import time\n\ntime.sleep(1000)", import_timeout=0.5)
    assert (record.end.how, record.end.phase, record.end.place) == ("deadline", "import", Place("main.py", 3, 1))
    assert record.phase("import").timed_out


@pytest.mark.parametrize("child_for", ["new", "copy"], indirect=True)
def test_code_that_lets_no_other_thread_run(boot, monkeypatch):
    # A regular expression holds the interpreter's lock all the time, so that only the parent can end it.
    monkeypatch.setattr(request, "_OUTAGE", 0)
    monkeypatch.setattr(request, "_MARGIN", 1)
    record = boot(
        main="import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        import_timeout=0.1,
        startup_timeout=0.1,
        request_timeout=0.1,
        shutdown_timeout=0.1,
    )
    assert (record.end.how, record.end.phase) == ("deadline", "import")
    assert record.phase("import").timed_out


def test_further_modules(boot, fastapi_app):
    record = boot(
        main=fastapi_app(),
        used="x = 1",
        fine="x = 1",
        broken="import nothing_there",
        depends="import broken",
        ends="raise SystemExit(2)",
        poisoned="import sys\nif 'fine' in sys.modules: raise ValueError('only after fine')",
        modules=tuple((name, f"{name}.py") for name in ("main", "fine", "broken", "depends", "ends", "poisoned")),
    )
    found = {one.module: one for one in record.imports}
    assert (found["main"].ok, found["main"].by_app) == (True, True)
    assert (found["fine"].ok, found["fine"].by_app) == (True, False)
    assert (found["broken"].ok, found["broken"].fresh, found["broken"].error.place.path) == (False, True, "broken.py")
    assert (found["depends"].ok, found["depends"].fresh, found["depends"].error.place.path) == (
        False,
        True,
        "broken.py",
    )
    assert (found["ends"].ok, found["ends"].error.type, found["ends"].fresh) == (False, "SystemExit", True)
    assert found["poisoned"].ok
    assert record.passed("shutdown")


def test_modules_after_a_package_that_failed_fail_like_it(project, server, request_for):
    root = project(
        **{
            "shop/__init__.py": "from shop import routes",
            "shop/routes": "from shop.db import get_session",
            "shop/db": "import shop.config\ndef get_session(): pass",
            "shop/config": "import os\nos.environ['SHOP_SETTING_OF_NOBODY']",
            "shop/main": "",
            "shop/more": "from shop.db import get_session",
        }
    )
    modules = tuple((f"shop.{name}", f"shop/{name}.py") for name in ("db", "more", "routes"))
    boot = start(request_for(root, "shop.main:app", modules=modules))
    boot.serve(server)
    assert {one.error.type for one in boot.result().imports} == {"KeyError"}


def test_messages_name_files_relative_to_the_project(boot):
    record = boot(main="raise ValueError(__file__)")
    assert record.phase("import").error.message == "main.py"


def test_a_circle_that_hides_in_a_try(boot):
    record = boot(
        "shop.main:app",
        shop____init__="",
        shop__main="""
            from fastapi import FastAPI
            from shop import orders
            app = FastAPI()
        """,
        shop__orders="""
            from shop import users

            class Order:
                pass
        """,
        shop__users="""
            try:
                from shop.orders import Order
            except ImportError:
                Order = None

            try:
                from .extras import Missing
            except ImportError:
                Missing = None

            try:
                from shop.text import clean as tidy
            except ImportError:
                def tidy(text):
                    return text

            try:
                import ujson_that_is_not_there as json
            except ImportError:
                import json
        """,
        shop__text="def clean(text): return text",
    )
    assert record.passed("startup")
    (lost,) = record.swallowed
    assert (lost.module, lost.source, lost.name) == ("shop.users", "shop.orders", "Order")
    assert (lost.place.path, lost.place.line) == ("shop/users.py", 3)


def test_a_setting_that_a_validator_of_the_whole_class_refuses(boot):
    record = boot(
        main="""
            from pydantic import model_validator
            from pydantic_settings import BaseSettings

            class Settings(BaseSettings):
                SIGNING_KEY: str = ""
                other: str = ""

                @model_validator(mode="after")
                def long_enough(self):
                    if len(self.SIGNING_KEY) < 32:
                        raise ValueError("SIGNING_KEY must be set to at least 32 bytes")
                    return self

            app = Settings()
        """,
    )
    [wanted] = json.loads(dict(record.phase("import").error.attributes)["settings"])
    assert (wanted["name"], wanted["missing"]) == ("SIGNING_KEY", False)
