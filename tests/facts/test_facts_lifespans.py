"""Lifespans that yield inside a transaction."""

from __future__ import annotations

import pytest

HEAD = "from fastapi import FastAPI\nfrom db import engine, maker, make\n"
TAIL = "\napp = FastAPI(lifespan=lifespan)\n"


def held(facts, *lines, more=TAIL, name="lifespan"):
    body = "".join(f"    {line}\n" for line in lines)
    return facts({"main.py": f"{HEAD}async def {name}(app):\n{body}{more}", "db.py": "engine = 1\n"}).held_transactions


@pytest.mark.parametrize(
    ("lines", "place", "moved"),
    [
        (["async with engine.begin() as c:", "    await c.run_sync(make)", "    yield"], "main.py:6:9", True),
        (
            ["async with engine.begin() as c:", "    await c.run_sync(make)", "    yield", "    print()"],
            "main.py:6:9",
            False,
        ),
        (
            [
                "async with maker.begin() as s:",
                "    s.add(1)",
                "    await s.flush()",
                "    try:",
                "        yield",
                "    finally:",
                "        pass",
            ],
            "main.py:8:13",
            False,
        ),
        (["async with engine.begin() as c:", "    await c.run_sync(make); yield"], "main.py:5:33", False),
        (
            ["async with engine.begin() as c, http() as app.state.http:", "    await c.run_sync(make)", "    yield"],
            "main.py:6:9",
            False,
        ),
        (
            ["async with engine.begin() as c:", "    app.state.one = await c.scalar(make)", "    yield"],
            "main.py:6:9",
            True,
        ),
        (
            ["async with engine.begin() as c:", "    await c.run_sync(make)", "    await c.commit()", "    yield"],
            "",
            False,
        ),
        (["async with engine.begin() as c:", "    yield", "    await c.run_sync(make)"], "", False),
        (
            ["async with engine.begin() as c:", "    await c.run_sync(make)", "    app.state.c = c", "    yield"],
            "",
            False,
        ),
        (
            ["async with engine.begin() as c:", "    await c.execute('SELECT pg_advisory_xact_lock(1)')", "    yield"],
            "",
            False,
        ),
        (["async with engine.begin() as c:", "    await c.run_sync(make)", "yield"], "", False),
        (["async with engine.begin() as c:", "    await c.run_sync(make)", "    yield {'c': c}"], "", False),
        (["async with engine.begin() as c:", "    yield"], "", False),
        (["async with engine.connect() as c:", "    await c.run_sync(make)", "    yield"], "", False),
        (["async with pool() as c:", "    await c.run_sync(make)", "    yield"], "", False),
        (
            ["async with engine.begin() as c:", "    await c.run_sync(make)", "    def f():", "        yield", "yield"],
            "",
            False,
        ),
    ],
)
def test_a_yield_in_a_transaction_that_was_used(facts, lines, place, moved):
    found = held(facts, *lines)
    assert [str(one.place) for one in found] == ([place] if place else [])
    assert [one.outdent is not None for one in found] == ([moved] if place else [])


USED = ["async with engine.begin() as c:", "    await c.run_sync(make)", "    yield"]


@pytest.mark.parametrize(
    ("more", "name", "number"),
    [
        ("app = Litestar(lifespan=[other, opened])", "opened", 1),
        ("import main\napp = FastAPI(lifespan=main.opened)", "opened", 1),
        ("app = FastAPI()", "lifespan", 0),
        ("app = FastAPI(lifespan=other)", "lifespan", 0),
    ],
)
def test_only_what_an_app_is_given_as_its_lifespan_counts(facts, more, name, number):
    assert len(held(facts, *USED, more=more, name=name)) == number
