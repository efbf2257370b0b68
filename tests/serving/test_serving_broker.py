"""What the controller and its workers say to each other, and that nobody else is listened to."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from pytest_asyncdb.model.server import Server
from pytest_asyncdb.postgres.protocol import ServerError
from pytest_asyncdb.serving import broker
from pytest_asyncdb.serving.broker import Broker, NobodyListensError, ask

SERVER = Server("embedded", "18.6", 0.2, "127.0.0.1", 5432, "me", "hunter2", workspace=Path("/tmp/ä b"))  # noqa: S108 - a path in a message


@pytest.fixture(params=["linux", "darwin"])
def opened(request, monkeypatch, tmp_path):
    monkeypatch.setattr(broker.sys, "platform", request.param)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    brokers = []

    def make(serve):
        brokers.append(Broker(serve))
        return brokers[-1]

    yield make
    for one in brokers:
        one.close()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_gets_the_server_as_it_is(opened):
    asked = []

    def serve(request):
        asked.append(request)
        return SERVER

    assert ask(opened(serve).address, "docker:17") == SERVER
    assert asked == ["docker:17"]


def test_the_controllers_failure_is_told_in_its_words(opened):
    def serve(request):
        raise ValueError(f"{request} is not there")

    with pytest.raises(ServerError, match=r"^local is not there$"):
        ask(opened(serve).address, "local")


def test_workers_are_answered_side_by_side(opened):
    both = threading.Barrier(2, timeout=10)

    def serve(_request):
        both.wait()
        return SERVER

    address = opened(serve).address
    other = threading.Thread(target=ask, args=(address, "auto"))
    other.start()
    assert ask(address, "auto") == SERVER
    other.join()


@pytest.mark.parametrize(
    "question", [{"request": "auto"}, {"token": "", "request": "auto"}, {"token": "guessed", "request": "auto"}, []]
)
def test_who_does_not_know_the_secret_gets_no_answer(opened, question):
    address = opened(lambda _request: SERVER).address
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address["socket"])
        connection.sendall(json.dumps(question).encode() + b"\n")
        connection.settimeout(5)
        assert connection.recv(100) == b""
    assert ask(address, "auto") == SERVER


def test_another_users_process_gets_no_answer(monkeypatch):
    monkeypatch.setattr(broker.os, "geteuid", lambda: -1)
    one = Broker(lambda _request: SERVER)
    try:
        with pytest.raises(ServerError, match="went away"):
            ask(one.address, "auto")
    finally:
        one.close()


def test_the_directory_lets_nobody_else_in(monkeypatch, tmp_path):
    monkeypatch.setattr(broker.sys, "platform", "darwin")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one = Broker(lambda _request: SERVER)
    (directory,) = tmp_path.iterdir()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.name.startswith("asyncdb-")
    one.close()


def test_a_closed_broker_is_not_there(opened):
    one = opened(lambda _request: SERVER)
    one.close()
    began = time.monotonic()
    with pytest.raises(NobodyListensError):
        ask(one.address, "auto")
    assert time.monotonic() - began < 1
