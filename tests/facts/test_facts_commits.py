"""Whether objects are read after a commit, as the sources tell."""

# A case is a line, however long.
# ruff: noqa: E501

from __future__ import annotations

import textwrap

import pytest

HEAD = "from fastapi import FastAPI\napp = FastAPI()\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("async def f(db):\n    user = User()\n    db.add(user)\n    await db.commit()\n    return user", False),
        ("async def f(db):\n    user = User()\n    await db.commit()\n    await db.refresh(user)\n    return Out(id=user.id)", True),
        ("async def f(db):\n    found = await db.get(User, 1)\n    user = found.one()\n    await db.commit()\n    return user", False),
        ("async def f(db):\n    user = await db.get(User, 1)\n    await db.delete(user)\n    await db.commit()\n    return {}", True),
        ("async def f(db, user):\n    user.name = 'x'\n    await db.commit()\n    return user", False),
        ("async def f(db, user):\n    db.add(user)\n    await db.commit()", False),
        ("async def commit(self):\n    await self.session.commit()", True),
        ("async def commit(self):\n    await self.session.commit()\nasync def f(uow):\n    user = await uow.users.get(1)\n    await uow.commit()\n    return user", False),
        ("async def save(self):\n    await self.session.commit()", False),
        ("@router.patch('/me')\nasync def f(db, user):\n    user.name = 'x'\n    db.add(user)\n    await db.commit()\n    return {}", True),
        ("@patch('/me')\nasync def f(db, user):\n    user.name = 'x'\n    db.add(user)\n    await db.commit()\n    return user", False),
        ("@cached\nasync def f(db, user):\n    db.add(user)\n    await db.commit()\n    return {}", False),
        ("async def get_db():\n    async with maker() as db:\n        yield db\n        await db.commit()", True),
        ("@asynccontextmanager\nasync def get_db():\n    async with maker() as db:\n        yield db\n        await db.commit()", False),
        ("async def get_db():\n    async with maker() as db, db.begin():\n        yield db", True),
        ("async def f(maker):\n    async with maker.begin() as db:\n        user = await db.get(User, 1)\n        return user", False),
        ("async def f(maker):\n    async with maker.begin() as db:\n        user = await db.get(User, 1)\n        return Out.model_validate(user)", True),
        ("async def f(maker):\n    async with maker.begin() as db:\n        user = await db.get(User, 1)\n        return Out(id=user.id)", True),
        ("async def f(maker):\n    async with maker.begin() as db:\n        user = await db.get(User, 1)\n        return Out(user)", False),
        ("async def f(db):\n    out = Out.model_validate(await db.get(User, 1))\n    await db.commit()\n    return out", True),
        ("async def f(db):\n    user = await db.get(User, 1)\n    await db.commit()\n    return Out.model_validate(user)", False),
        ("async def f(db):\n    for user in await db.all():\n        print(user.name)\n        await db.commit()", False),
        ("async def f(db):\n    while True:\n        user = await db.get(User, 1)\n        user.n += 1\n        await db.commit()", True),
        ("async def f(db):\n    boss = await db.get(User, 1)\n    for n in range(3):\n        print(boss.name)\n        await db.commit()", False),
        ("async def f():\n    async with engine.begin() as conn:\n        await conn.run_sync(create_all)", False),
        ("async def f(db):\n    await db.commit()\n    token = await make()\n    return token", True),
        ("async def f(db):\n    return await db.get(User, 1)", False),
    ],
)  # fmt: skip
def test_what_is_read_after_a_commit(facts, code, expected):
    assert facts({"main.py": HEAD + textwrap.dedent(code)}).refreshes_after_commits is expected


def test_one_place_is_enough(facts):
    careful = (
        "async def f(db):\n    user = User()\n    await db.commit()\n    await db.refresh(user)\n    return user\n"
    )
    careless = "async def f(db):\n    user = User()\n    await db.commit()\n    return user\n"
    assert facts({"main.py": HEAD + careful, "tests/test_x.py": careless}).refreshes_after_commits
    assert not facts({"main.py": HEAD + careful, "other.py": careless}).refreshes_after_commits
