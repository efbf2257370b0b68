"""The project's own code that makes URLs is run on samples, each in a process of its own, on the throwaway server."""

from __future__ import annotations

import pytest

from pytest_asyncdb.sandbox.request import TrialRequest

HELPER = """
    import os, socket
    from sqlalchemy.ext.asyncio import create_async_engine

    def to_async(url):
        if "exit" in url:
            os._exit(3)
        if "phone" in url:
            socket.create_connection(("127.0.0.2", PORT), timeout=2)
        if "raise" in url:
            raise ValueError("this URL is not wanted: " + url)
        return url.replace("postgresql://", "postgresql+asyncpg://").replace("other-word", "changed")

    {rest}
"""
AT_IMPORT = HELPER.format(rest='engine = create_async_engine(to_async(os.environ["SHOP_URL"]))')
IN_FUNCTION = HELPER.format(
    rest="""
    class Shop:
        def __init__(self, url):
            self.engine = create_async_engine(to_async(url), connect_args={"timeout": 5})

    async def connect(url):
        yield Shop(url)
    """
)
URLS = (
    ("plain", "postgresql://sample:no-such-word@db.example/shop"),
    ("parameter", "postgresql://sample:no-such-word@db.example/shop?sslmode=require"),
    ("scheme", "postgres://sample:no-such-word@db.example/shop"),
    ("password", "postgresql://sample:other-word@db.example/shop"),
    ("exit", "postgresql://sample:no-such-word@exit.example/shop"),
    ("phone", "postgresql://sample:no-such-word@phone.example/shop"),
    ("raise", "postgresql://sample:no-such-word@raise.example/shop"),
)


@pytest.mark.parametrize(
    ("source", "call", "variables", "step"),
    [
        (AT_IMPORT, "", ("SHOP_URL",), "import"),
        (IN_FUNCTION, "connect(url=_asyncdb_url)", (), "call"),
    ],
    ids=["at import", "in a function"],
)
def test_each_sample_is_tried_apart(boot, source, call, variables, step):
    trial = TrialRequest("db", call, "db.py", variables, packages=("sqlalchemy.ext.asyncio", "no_such_package"))
    record = boot("db", db=source, trials=(trial,), urls=URLS)
    told = {one.sample: one for one in record.samples}

    plain = told["plain"]
    assert (plain.step, plain.driver, plain.error, plain.password_kept) == ("done", "asyncpg", None, True)
    assert (plain.url.drivername, plain.host, plain.user, plain.database) == (
        "postgresql+asyncpg",
        "db.example",
        "sample",
        "shop",
    )
    assert (told["parameter"].step, told["parameter"].error.type) == ("connect", "TypeError")
    assert (told["scheme"].step, told["scheme"].error.type) == ("make", "sqlalchemy.exc.NoSuchModuleError")
    assert not told["password"].password_kept
    assert "exit" not in told
    assert (told["raise"].step, told["raise"].error.type) == (step, "ValueError")
    assert (told["phone"].step, told["phone"].error.type) == (step, "ConnectionRefusedError")
    assert "no-such-word" not in repr(record)


def test_a_branch_is_chosen_and_the_driver_named(boot):
    source = """
        import os
        from sqlalchemy.ext.asyncio import create_async_engine
        engine = create_async_engine(os.environ["SHOP_URL"]) if os.environ["SHOP_KIND"] == "pgsql" else None
    """
    trial = TrialRequest("db", "", "db.py", ("SHOP_URL",), (("SHOP_KIND", "pgsql"),), (), "asyncpg")
    [told] = boot("db", db=source, trials=(trial,), urls=URLS[:1]).samples
    assert (told.step, told.url.drivername) == ("done", "postgresql+asyncpg")


def test_without_a_server_the_engine_is_made_all_the_same(boot):
    trial = TrialRequest("db", "", "db.py", ("SHOP_URL",))
    [plain] = boot("db", serve=False, db=AT_IMPORT, trials=(trial,), urls=URLS[:1]).samples
    assert (plain.step, plain.url.host) == ("made", "db.example")
