"""Reading a large project, against ruff with one family of rules and no cache, interleaved, as ratios of medians.

Makes its own trees: `few` has 27 modules that say something about databases or routes, `many` has 2 % of them,
`half` and `double` are `many` with half and twice the files (growth), `library` is a code base in which half of the
modules do. What is measured is everything that can be known without a boot: files, dependencies, URLs, engines, session
factories, import circles, routers, secrets. In `library` nine of ten such modules only use what the tenth makes.

Run ``python benchmarks/scan.py [rounds [files]]``.
Goals for 10,000 files: few <= 0.6 x ruff, many <= 1.3 x ruff, growth linear, <= 60 MB.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCAN = """
import gc
import sys
from pathlib import Path
from pytest_asyncdb.facts import Facts
from pytest_asyncdb.facts.app import AppNotFoundError, find_app
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.sources.project import Project

gc.disable()  # as the run itself does
project, settings = Project(Path(sys.argv[1]).resolve()), Settings(Path(sys.argv[1]).resolve(), app=None)
try:
    app = find_app(project, settings)
except AppNotFoundError:
    app = None
facts = Facts(project, settings, app, lambda: (None, "not asked for"))
if app is not None:
    facts.modules_to_import(app)
counts = [len(part) for part in (facts.declared.requirements, facts.modules, facts.urls, facts.engines,
          facts.session_factories, facts.cycles, facts.routers, facts.secrets)]
print(*counts)
"""
WORDS = (
    *("account", "address", "amount", "balance", "basket", "branch", "carrier", "ledger", "margin", "order", "parcel"),
    *("price", "quota", "region", "ticket"),
)
RELEVANT = """
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from fastapi import APIRouter, Depends

from shop.area{0}.part{1} import make_{2}_1

router = APIRouter(prefix="/{2}")
engine = create_async_engine("postgresql+asyncpg://app:change-me@localhost/{2}", pool_size={1})
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def get_session():
    async with sessions() as session:
        yield session


@router.get("/{{key}}")
async def read_{2}(key: int, session: AsyncSession = Depends(get_session)):
    return (await session.execute(select(key).limit(10))).scalars().all()
"""
FEW = 10
"""With at most so many modules to one that has to do with databases, the tree is that of a library."""
MODEL = """
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from shop.area{0}.part{1} import make_{2}_1
"""
FUNCTION = '''

def make_{0}_{2}({0}, {1}=None, *, limit={2}):
    """Work out the {0} of a {1}."""
    found = {{"{0}": {0}, "{1}": {1} or [], "limit": limit}}
    for number, each in enumerate(found["{1}"]):
        if each is None or number > limit:
            continue
        found[f"{1}_{{number}}"] = [value for value in (each, {0}) if value]
    return {1}_of(found) if found else None


class {3}{2}:
    """A {1} with its {0}."""

    {0}: int = {2}
    {1}: str = "{0}"

    def total(self, {0}):
        return self.{0} + sum(int(one) for one in {0}) * {2}
'''


def main(rounds: int, files: int) -> None:
    """Make the trees, scan them in turn, print the table."""
    memory = Path("/dev/shm")  # noqa: S108 - disks vary tenfold
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        trees = {
            "few": _tree(Path(directory) / "few", files, 27),
            "half": _tree(Path(directory) / "half", files // 2, files // 100),
            "many": _tree(Path(directory) / "many", files, files // 50),
            "double": _tree(Path(directory) / "double", files * 2, files // 25),
            "library": _tree(Path(directory) / "library", files * 3 // 4, files * 3 // 8),
        }
        ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        commands = {f"{name} scan": [sys.executable, "-c", SCAN, str(root)] for name, root in trees.items()}
        if ruff:
            for name, root in trees.items():
                commands[f"{name} ruff"] = [
                    ruff,
                    "check",
                    "--no-cache",
                    "--isolated",
                    "--quiet",
                    "--select=B",
                    str(root),
                ]
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                figures = _measured(command)
                if number:
                    measured[name].append(figures)
    _print({name: tuple(map(statistics.median, zip(*all_, strict=True))) for name, all_ in measured.items()}, rounds)


def _print(medians: dict[str, tuple[float, ...]], rounds: int) -> None:
    print(
        f"{'tree':<8} {'wall s':>7} {'CPU s':>7} {'MB':>5} {'x ruff wall':>12} {'x ruff CPU':>11}   ({rounds} rounds)"
    )
    for name, (wall, processor, size) in medians.items():
        tree, what = name.split()
        if what == "scan":
            peer = medians.get(f"{tree} ruff")
            ratios = f"{wall / peer[0]:>12.2f} {processor / peer[1]:>11.2f}" if peer else ""
            print(f"{tree:<8} {wall:>7.2f} {processor:>7.2f} {size:>5.0f} {ratios}")


def _tree(root: Path, files: int, relevant: int) -> Path:
    """A package of many folders, of files as long as those of real projects."""
    chance = random.Random(1)  # noqa: S311 - the same tree each time
    every = files // relevant
    for number in range(files):
        area, part = divmod(number, 50)
        folder = root / "shop" / f"area{area}"
        if not part:
            folder.mkdir(parents=True)
            (folder / "__init__.py").touch()
        kind = "" if number % every else MODEL if every < FEW and number % (10 * every) else RELEVANT
        (folder / f"part{part}.py").write_text(_module(chance, area, part, kind))
    (root / "shop/main.py").write_text(
        "from fastapi import FastAPI\n\nfrom shop.area0.part0 import router\n\n"
        "app = FastAPI()\napp.include_router(router)\n"
    )
    (root / "pyproject.toml").write_text(
        '[project]\nname = "shop"\ndependencies = ["fastapi", "sqlalchemy[asyncio]"]\n'
    )
    return root


def _module(chance: random.Random, area: int, part: int, kind: str) -> str:
    pieces = [f'"""Part {part} of area {area}."""\n\nimport os\nfrom typing import Any\n']
    if part:
        pieces.append(f"from shop.area{area}.part{chance.randrange(part)} import {chance.choice(WORDS)}_of\n")
    if kind:
        pieces.append(kind.format(area, max(part - 1, 0), chance.choice(WORDS)))
    for number in range(chance.randrange(2, 18)):
        one, other = chance.sample(WORDS, 2)
        pieces.append(FUNCTION.format(one, other, number, one.title()))
    return "".join(pieces)


def _measured(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak megabytes of a command."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:]]
    main(*asked, *(5, 10_000)[len(asked) :])
