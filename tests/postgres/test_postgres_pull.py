"""What a user sees while an image is pulled: an engine that is only played, because a real pull needs the network."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_asyncdb.postgres import pull as pulling
from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.protocol import ServerError, to_stderr

IMAGE = "registry.example:5000/team/pg:16"


class Engine(BaseHTTPRequestHandler):
    """Has no image; pulls slowly, and then fails or not."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    error = ""

    def do_GET(self):
        if self.path.endswith("/_ping"):
            self.answer(200, b"OK")
        elif self.path.endswith("/version"):
            self.answer(200, json.dumps({"ApiVersion": "1.41", "Version": "20.10"}).encode())
        else:
            self.answer(404, b'{"message": "no such image"}')

    def do_POST(self):
        self.asked.append(self.path)
        if "/images/create" not in self.path:
            self.answer(500, b'{"message": "played, not real"}')
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for layer in "abc":
            self.step(status="Pulling fs layer", id=layer)
        for layer in "ab":
            self.step(status="Pull complete", id=layer)
            time.sleep(0.15)
        self.step(**({"error": self.error} if self.error else {"status": "Pull complete", "id": "c"}))
        self.wfile.write(b"0\r\n\r\n")

    def step(self, **words):
        line = json.dumps(words).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def engine(monkeypatch):
    played = type("Played", (Engine,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), played)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setattr(pulling, "OFTEN", 0.02)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield played
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_pull_is_told_from_beginning_to_end(engine):
    told = []
    serving = choose(f"docker:{IMAGE}", tell=told.append).provider.serve()
    with pytest.raises(ServerError, match=rf"a container of {IMAGE} cannot be started"):
        serving.__enter__()
    assert told[0] == f"the container engine has no image {IMAGE}: pulling it"
    assert all(line.startswith(f"still pulling {IMAGE}: ") for line in told[1:-1])
    assert any(" of 3 layers" in line for line in told), told
    assert told[-1].startswith(f"pulled {IMAGE} in ")
    (create,) = [path for path in engine.asked if "/images/create" in path]
    assert "tag=16" in create
    assert "registry.example%3A5000%2Fteam%2Fpg" in create


def test_a_pull_that_fails_on_the_way_gives_the_engines_reason(engine):
    engine.error = "denied: hands off"
    told = []
    serving = choose(f"docker:{IMAGE}", tell=told.append).provider.serve()
    with pytest.raises(ServerError, match=rf"the image {IMAGE} cannot be pulled: denied: hands off\. Ways out"):
        serving.__enter__()
    assert not told[-1].startswith("pulled")


def test_auto_pulls_nothing(engine, monkeypatch):
    monkeypatch.setattr("pytest_asyncdb.postgres.embedded.PACKAGE", "no_such_package")
    monkeypatch.setenv("PYTEST_ASYNCDB_IMAGE", IMAGE)
    assert f"docker pull {IMAGE}" in dict(choose("auto").not_used)["docker"]
    assert engine.asked == []


def test_what_is_told_goes_to_standard_error(capsys):
    to_stderr("pulling it")
    assert capsys.readouterr().err == "asyncdb: pulling it\n"
