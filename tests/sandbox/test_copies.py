"""Children that are copies of a process with the packages: no different from new ones, or not made at all."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_asyncdb.facts import Facts
from pytest_asyncdb.facts.app import find_apps
from pytest_asyncdb.model.serial import to_json
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.postgres.databases import create_database, fresh_name
from pytest_asyncdb.run import analyse
from pytest_asyncdb.sandbox import forked
from pytest_asyncdb.sandbox.children import Children
from pytest_asyncdb.sandbox.forked import Preloaded
from pytest_asyncdb.sandbox.request import BootRequest, Habits, Packages, TrialRequest
from pytest_asyncdb.sources.project import Project
from pytest_asyncdb.trying import Trials

APPS = Path(__file__).parents[2] / "examples" / "apps"
VARIES = {"seconds", "number", "wraps"}
VARYING = re.compile(r"0x[0-9a-f]+|\d[\d:,. -]{4,}")
"""Addresses in memory, ports, times."""


@pytest.fixture
def install(project, tmp_path, monkeypatch):
    """Write modules that are installed; the project can be imported like them, as in an editable installation."""
    installed = tmp_path / "installed"
    monkeypatch.setenv("PYTHONPATH", f"{installed}{os.pathsep}{project()}")

    def write(**sources):
        for name, source in sources.items():
            path = installed / f"{name.replace('__', '/', 1)}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)

    return write


@pytest.fixture
def children():
    with Children() as children:
        yield children


def is_copy(child):
    """Whether a child that is not needed any more was a copy."""
    with child:
        return type(child.process) is forked.Forked


def comparable(value):
    """A record without times, and without what numbers its things."""
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in value.items() if key not in VARIES}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    return VARYING.sub("#", value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", sorted(path.name for path in APPS.iterdir() if path.is_dir()))
def test_a_copy_sees_what_a_new_interpreter_sees(children, server, tmp_path, monkeypatch, name):
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # some frameworks keep routes in sets
    root = shutil.copytree(APPS / name, tmp_path / "app").resolve()
    project, settings = Project(root), Settings(root)
    app = find_apps(project, settings)[0]
    facts = Facts(project, settings, app, lambda: (None, ""))
    place = (root / app.import_root).resolve()
    modules = facts.modules_to_import(app)
    asked = BootRequest(root, app.target, app.factory, place, (root / app.cwd).resolve(), modules=modules)
    children.prepare(asked, lambda: facts.packages(app))
    told = []
    for child in (children.fresh(), children.child(asked, lambda: facts.habits(app))):
        booted = child.boot(replace(asked, secrets=facts.secrets))
        booted.serve(create_database(server, fresh_name()))
        told.append(json.dumps(comparable(to_json(booted.result())), indent=1).splitlines())
        booted.kill()
    assert type(child.process) is forked.Forked
    assert [one for one in difflib.ndiff(*told) if one[0] != " "] == []


@pytest.mark.parametrize(
    "source",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import os\nkept = os.open('/dev/null', os.O_RDONLY)",
        "import subprocess\nkept = subprocess.Popen(['sleep', '60'])",
        "import os\nos.environ['SHOP_REGION'] = 'north'",
        "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: None)",
        "print('nothing of this is lost', end='')",
        "import logging\nlogging.getLogger('package').warning('nor of this')",
        "import socket\ntry: socket.create_connection(('127.0.0.2', 9))\nexcept OSError: pass",
        "from sqlalchemy.ext.asyncio import create_async_engine as c\nengine = c('postgresql+asyncpg://h/d')",
        "import settings_of_the_project",
        "raise ValueError('not here')",
        "import sys\nsys.exit(3)",
        "import os\nos._exit(3)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    ],
)
def test_a_package_that_does_more_than_to_be_imported_is_not_loaded_ahead(
    children, install, project, request_for, source
):
    install(package=source)
    asked = request_for(project(settings_of_the_project="", main="app = None"))
    children.prepare(asked, lambda: Packages(("package",)))
    assert not is_copy(children.child(asked, Habits))


def test_a_package_that_is_never_loaded_is_not_waited_for(children, install, project, request_for, monkeypatch):
    monkeypatch.setattr(forked, "_PATIENCE", 0.3)
    monkeypatch.setattr(forked, "_ANSWER", 0.1)
    install(package="import time\ntime.sleep(1000)")
    asked = request_for(project(main="app = None"))
    children.prepare(asked, lambda: Packages(("package",)))
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        assert [is_copy(child) for child in pool.map(lambda _: children.child(asked, Habits), range(2))] == [False] * 2
    assert not is_copy(children.child(asked, Habits))
    assert time.monotonic() - started < 5


def test_packages_that_are_missing_or_the_projects_own_are_left_out(children, install, project, request_for):
    install(package="")
    asked = request_for(project(own="raise ValueError('not yet')", shop__main="raise ValueError('not yet')"))
    children.prepare(
        asked, lambda: Packages(("no_such_package", "own", "own.further", "shop.main", "package", "package.no"))
    )
    assert is_copy(children.child(asked, Habits))


def test_what_a_boot_could_notice_makes_it_a_new_interpreter(children, install, project, request_for, monkeypatch):
    monkeypatch.setenv("SHOP_REGION", "north")
    install(
        nested="",
        shop____init__="import os\nimport shop.early\nregion = os.environ.get('SHOP_REGION')",
        shop__early="",
        shop__late="",
    )
    asked = request_for(project(main="app = None"))
    children.prepare(asked, lambda: Packages(("shop", "shop.late", "nested")))

    def copied(habits=Habits(), **changed):  # noqa: B008 - it is frozen
        return is_copy(children.child(replace(asked, **changed), lambda: habits))

    assert copied()
    assert copied(Habits(uses=("shop.early", "shop.region"), sets=("SHOP_COLOUR",)))
    assert copied(env=(("SHOP_COLOUR", "red"), ("SHOP_REGION", "north")))
    assert not copied(Habits(uses=("shop.late",)))
    assert not copied(Habits(sets=("SHOP_REGION",)))
    assert not copied(Habits(sets=("*",)))
    assert not copied(env=(("SHOP_REGION", "south"),))
    assert not copied(import_root=project(nested="")), "a module of the project comes before the package"


def test_a_package_that_reads_all_variables_could_notice_any(children, install, project, request_for):
    install(package="import os\nkept = {name: value for name, value in os.environ.items() if name.startswith('SHOP_')}")
    asked = request_for(project(main="app = None"))
    children.prepare(asked, lambda: Packages(("wsgiref.handlers",)))  # Python's own does the same, and passes them on
    assert is_copy(children.child(replace(asked, env=(("SHOP_REGION", "north"),)), Habits))
    children.prepare(replace(asked, target="other:app"), lambda: Packages(("package",)))
    assert not is_copy(children.child(replace(asked, env=(("SHOP_REGION", "north"),)), Habits))
    assert is_copy(children.child(asked, Habits))


def test_what_nobody_imported_before_its_use_is_missed_after_others_too(children, install, project, request_for):
    install(shop____init__="", shop__late="")
    root = project(main="import shop\napp = shop.late\nimport other", other="import shop.late").resolve()
    settings, sources = Settings(root, app="main:app"), Project(root)
    app = find_apps(sources, settings)[0]
    facts = Facts(sources, settings, app, lambda: (None, ""))
    assert facts.packages(app).imported == ("shop", "shop.late")
    children.prepare(request_for(root), lambda: facts.packages(app))
    booted = children.child(request_for(root), lambda: facts.habits(app)).boot(request_for(root))
    booted.no_server("none")
    assert booted.result().phase("import").error.type == "AttributeError"


def test_boots_with_settings_that_are_made_up_are_copies(project, tmp_path, monkeypatch):
    source = """
        import os
        from pydantic_settings import BaseSettings
        from starlette.applications import Starlette

        class First(BaseSettings):
            region: str

        class Second(BaseSettings):
            zone: str

        with open(os.environ["TOLD"], "a") as file, open(f"/proc/{os.getppid()}/cmdline") as parent:
            file.write("copy " if "nursery" in parent.read() else "new ")
        First(), Second()
        app = Starlette()
    """
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    result = analyse(Settings(project(main=source).resolve(), prove=False))
    assert result.app.booted
    told = (tmp_path / "told").read_text().split()
    assert set(told[: told.index("copy")]) == {"new"}, "the first boot is never a copy"
    assert set(told[told.index("copy") :]) == {"copy"}


def test_what_could_not_be_imported_is_repeated_in_a_copy(children, project, request_for):
    root = project(
        main="app = None", broken="import main, nowhere", later="import sys\nassert 'main' not in sys.modules"
    )
    modules = (("broken", "broken.py"), ("later", "later.py"))
    asked = request_for(root, modules=modules)
    children.prepare(asked, lambda: Packages(("json",)))
    repeated = []

    def spawn(request):
        repeated.append((request.target, child := children.child(request, Habits)))
        return child

    booted = children.fresh().boot(asked, spawn=spawn)
    booted.no_server("none")
    assert {one.module: one.ok for one in booted.result().imports if not one.by_app} == {"broken": False, "later": True}
    assert sorted(target for target, _ in repeated) == ["broken", "later"]
    assert all(type(child.process) is forked.Forked for _, child in repeated)


def test_samples_that_need_made_up_settings_are_tried_in_a_copy(preloaded, server, project, request_for):
    source = """
        import os
        from sqlalchemy.ext.asyncio import create_async_engine
        region = os.environ["SHOP_REGION"]
        engine = create_async_engine(os.environ["SHOP_URL"].replace("postgresql:", "postgresql+asyncpg:"))
    """
    asked = [request_for(project(db=source)), request_for(project(), env=(("SHOP_REGION", "north"),))]
    helper = SimpleNamespace(request=TrialRequest("db", "", "db.py", ("SHOP_URL",)))
    facts = SimpleNamespace(url_helpers=[helper], settings=Settings(project()), hosting=frozenset(), secrets=())
    spawned = []

    def spawn(request):
        spawned.append(preloaded.child(request, Habits()))
        return spawned[-1]

    trials = Trials(lambda: asked[0], server, spawn)
    try:
        trials.begin(facts)
        asked.pop(0)
        assert "done" in {one.step for one in trials.results()}
    finally:
        trials.end()
    assert [type(child.process) for child in spawned] == [forked.Forked]


def test_each_app_has_its_own_packages_and_its_copies_share_them(children, project, request_for, tmp_path):
    root = project(main="", api__main="")
    copy = shutil.copytree(root, tmp_path / "copy")
    loaded = []
    for asked in (request_for(root), request_for(copy), request_for(root, "api.main:app")):
        children.prepare(asked, lambda: loaded.append(1) or Packages(("json",)))
    assert len(loaded) == 2


def test_a_copy_ends_with_the_process_that_it_is_a_copy_of(project, request_for):
    root = project(main="import os, time\nopen('up', 'w').write(str(os.getppid()))\ntime.sleep(1000)")
    asked = request_for(root)
    made = Preloaded(asked, Packages(("json",)))
    child = made.child(asked, Habits())
    booted = child.boot(asked)
    booted.no_server("none")
    while not (root / "up").exists() or not (root / "up").read_text():
        time.sleep(0.02)
    started = time.monotonic()
    os.kill(int((root / "up").read_text()), signal.SIGKILL)
    assert booted.result().end.how == "died"
    made.end()
    assert made.child(asked, Habits()) is None
    while is_alive(child.process.pid) and time.monotonic() - started < 5:
        time.sleep(0.02)
    assert time.monotonic() - started < 5


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
