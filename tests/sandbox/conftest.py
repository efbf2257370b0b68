from __future__ import annotations

import selectors
import socket
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.sandbox.forked import Preloaded
from pytest_asyncdb.sandbox.launch import spawn
from pytest_asyncdb.sandbox.request import BootRequest, Habits, Packages

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "Pr0duction-s3cret!x"
QUOTED = "Pr0duction-s3cret%21x"
FASTAPI = """
    import asyncio, os, sys, time
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app):
        {startup}
        yield
        {shutdown}

    app = FastAPI(lifespan=lifespan)
"""
STARLETTE = """
    import asyncio
    from contextlib import asynccontextmanager

    {imports}

    async def work():
        {body}

    @asynccontextmanager
    async def lifespan(app):
        await work()
        yield

    from starlette.applications import Starlette
    app = Starlette(lifespan=lifespan)
"""


@pytest.fixture(scope="session")
def server():
    with choose("local").provider.serve() as server:
        yield server


class Decoy:
    """What a project's configuration points at: a listener on a loopback address that must never be reached."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.2", 0))
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self._socket.getsockname()[1]
        self._datagrams.bind(("127.0.0.2", self.port))
        self._stop, self._stopped = socket.socketpair()
        self.reached = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        # Waits in select: a thread that waited in recv would outlive close() and could, when a signal restarts its
        # call, read from whatever socket has got the same number by then.
        with selectors.DefaultSelector() as selector:
            for one in (self._socket, self._datagrams, self._stopped):
                selector.register(one, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._socket in ready:
                    connection, address = self._socket.accept()
                    self.reached.append(address)
                    connection.close()
                if self._datagrams in ready:
                    self.reached.append(self._datagrams.recvfrom(100))
                if self._stopped in ready:
                    return

    def close(self):
        self._stop.close()
        self._thread.join()
        for one in (self._socket, self._datagrams, self._stopped):
            one.close()


@pytest.fixture
def decoy():
    decoy = Decoy()
    yield decoy
    decoy.close()
    assert decoy.reached == []


@pytest.fixture
def project(tmp_path, decoy):
    """Write files of a project; ``PORT`` becomes the decoy's and ``SECRET`` the password, percent-encoded."""
    root = tmp_path / "project"
    root.mkdir()

    def write(**files):
        for name, text in files.items():
            path = root / (name.replace("__", "/") + ".py" if "." not in name else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).replace("PORT", str(decoy.port)).replace("SECRET", QUOTED))
        return root

    return write


@pytest.fixture
def request_for():
    def make(root: Path, target: str = "main:app", **options) -> BootRequest:
        root = root.resolve()
        return BootRequest(
            **{"project": root, "target": target, "factory": False, "import_root": root, "cwd": root, **options}
        )

    return make


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory):
    """A process that has the packages loaded, for children that are copies of it."""
    root = tmp_path_factory.mktemp("nobody").resolve()
    asked = BootRequest(root, "main:app", factory=False, import_root=root, cwd=root)
    imported = ("fastapi", "sqlalchemy.ext.asyncio", "pydantic_settings")
    made = Preloaded(asked, Packages(imported, ("asyncpg",), ("sqlalchemy.dialects.postgresql.asyncpg",)))
    yield made
    made.end()


@pytest.fixture
def child_for(request):
    """Start a child: a new interpreter, or a copy where the test is parametrised indirectly with ``copy``."""
    if getattr(request, "param", "new") == "new":
        return lambda asked: spawn(asked.python)
    preloaded = request.getfixturevalue("preloaded")
    return lambda asked: preloaded.child(asked, Habits())


@pytest.fixture
def boot(project, server, request_for, child_for):
    """Boot files of a project and give back the record; no secret may stand anywhere in it."""

    def run(target="main:app", *, serve=True, **files):
        options = {name: files.pop(name) for name in list(files) if name in BootRequest.__dataclass_fields__}
        root = project(**files)
        asked = request_for(root, target, **options)
        booted = child_for(asked).boot(asked)
        try:
            if serve:
                booted.serve(server)
            else:
                booted.no_server("none was started")
            record = booted.result()
        finally:
            booted.kill()
        text = repr(record)
        assert PASSWORD not in text
        assert QUOTED not in text
        assert server.password not in text
        assert list(root.rglob("__pycache__")) == []
        return record

    return run


@pytest.fixture
def fastapi_app():
    """Source of an app that does one thing at startup and one at shutdown; ``main.py``'s lines 8 and 10."""

    def source(startup="pass", shutdown="pass"):
        return FASTAPI.format(startup=startup, shutdown=shutdown)

    return source


@pytest.fixture
def starlette_app():
    """Source of an app that does asynchronous work at startup, with the imports that this needs."""

    def source(*, imports="", body):
        return STARLETTE.format(imports=imports, body=body)

    return source
