"""What only a container can do wrong."""

import json
import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from pytest_asyncdb.postgres import container, engine
from pytest_asyncdb.postgres.choose import choose
from pytest_asyncdb.postgres.docker import Docker, configured_image
from pytest_asyncdb.postgres.owner import abandoned, tag
from pytest_asyncdb.postgres.protocol import ServerError
from pytest_asyncdb.postgres.supervision.engine import ask

pytestmark = pytest.mark.usefixtures("an_engine")


@pytest.fixture
def an_engine(named):
    named("docker")


@contextmanager
def within(seconds):
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < seconds


def owned_by(pid):
    """Containers of that owner: others may be running theirs at the same time."""
    filters = json.dumps({"label": [container.LABEL]}).replace('"', "%22").replace(" ", "")
    _, body = ask(engine.endpoint(), "GET", f"/containers/json?all=1&filters={filters}")
    return [one["Id"][:12] for one in json.loads(body) if f"/{pid}/" in one["Labels"][container.LABEL]]


def assert_no_container_of(pid, but=(), seconds=5.0):
    end = time.monotonic() + seconds
    while (left := set(owned_by(pid)) - set(but)) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == set()


@pytest.mark.parametrize("moment", [0.5, 0.7, 0.9, 1.1])
def test_owner_killed_while_the_container_starts(own, moment):
    owner = own("docker")
    time.sleep(moment + os.getpid() % 20 / 100)
    owner.process.kill()
    owner.assert_gone()
    time.sleep(1.0)  # what was being created may appear only now
    assert_no_container_of(owner.process.pid)


def test_the_password_is_in_no_environment_of_the_container(served_container):
    server, found = served_container
    assert server.password not in json.dumps(found)
    assert "SCRAM-SHA-256$" in json.dumps(found["Config"]["Env"])


def test_the_container_is_for_this_machine_only(served_container):
    _, found = served_container
    if found["HostConfig"]["PortBindings"]["5432/tcp"][0]["HostIp"] != "127.0.0.1":
        pytest.skip("run inside a container, where the engine's host is another one")


@pytest.fixture
def served_container(named):
    before = set(owned_by(os.getpid()))  # one may be serving the whole session
    with named("docker").serve() as server:
        (identity,) = set(owned_by(os.getpid())) - before
        yield server, json.loads(ask(engine.endpoint(), "GET", f"/containers/{identity}/json")[1])


def test_a_container_that_dies_is_told_at_once_with_its_last_words(monkeypatch):
    monkeypatch.setattr(container, "INITDB_ARGS", "--no-such-option")
    before = owned_by(os.getpid())
    began = time.monotonic()
    with (
        pytest.raises(ServerError, match=r"(?s)ended while starting.*Ways out.*no-such-option"),
        Docker(pull=False).serve(),
    ):
        pass
    assert time.monotonic() - began < 20
    assert_no_container_of(os.getpid(), before)


def test_an_image_that_is_not_there_is_told_at_once():
    absent = Docker(image="asyncdb.invalid/no-such-image:1", pull=False)
    with within(0.1):
        assert "docker pull asyncdb.invalid/no-such-image:1" in absent.unusable()
    with (
        within(0.1),
        pytest.raises(ServerError, match=r"no image asyncdb.invalid/no-such-image:1; `docker pull .*ASYNCDB_IMAGE"),
        absent.serve(),
    ):
        pass


def test_an_image_that_cannot_be_pulled_is_told():
    told = []
    absent = Docker(image="asyncdb.invalid/no-such-image:1", tell=told.append)
    assert absent.unusable() is None
    refused = r"(?s)the image asyncdb.invalid/no-such-image:1 cannot be pulled: .*asyncdb.invalid.*Ways out"
    with pytest.raises(ServerError, match=refused), absent.serve():
        pass
    assert told == ["the container engine has no image asyncdb.invalid/no-such-image:1: pulling it"]


def test_an_image_is_served_by_the_name_that_was_asked_for():
    where, name = engine.endpoint(), f"asyncdb.test/team/pg-{os.getpid()}"
    assert ask(where, "POST", f"/images/{configured_image()}/tag?repo={name}&tag=16")[0] == 201
    try:
        with choose(f"docker:{name}:16").provider.serve() as server:
            (identity, *_) = owned_by(os.getpid())
            found = json.loads(ask(where, "GET", f"/containers/{identity}/json")[1])
            assert found["Config"]["Image"] == f"{name}:16"
            assert server.provider == "docker"
    finally:
        ask(where, "DELETE", f"/images/{name}:16")


def test_stale_containers_are_swept_and_others_spared(named):
    machine, _, began = tag().split("/")
    gone = dead_pid()
    stale = create({container.LABEL: f"{machine}/{gone}/{began}"})
    foreign = create({container.LABEL: f"another-machine/{gone}/{began}"})
    living = create({container.LABEL: tag()})
    kept = create({container.LABEL: f"{machine}/{gone}/{began}", container.HOLDER: tag()})
    not_ours = create({"org.testcontainers": "true"})
    try:
        with named("docker").serve():
            assert not exists(stale)
            assert all(exists(one) for one in (foreign, living, kept, not_ours))
    finally:
        for one in (stale, foreign, living, kept, not_ours):
            ask(engine.endpoint(), "DELETE", f"/containers/{one}?force=1&v=1")


def create(labels):
    import docker

    client = docker.from_env()
    try:
        return client.containers.create(configured_image(), labels=labels).id
    finally:
        client.close()


def exists(identity):
    return ask(engine.endpoint(), "GET", f"/containers/{identity}/json")[0] == 200


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_an_owner_is_abandoned_only_when_its_process_is_gone():
    machine, _, began = tag().split("/")
    assert not abandoned(tag())
    assert abandoned(f"{machine}/{dead_pid()}/{began}")
    assert abandoned(f"{machine}/{os.getpid()}/1")
    assert not abandoned(f"elsewhere/{dead_pid()}/{began}")
    assert not abandoned("nonsense")
    assert not abandoned("")


def test_the_users_own_containers_keep_their_reaper(named):
    from testcontainers.core.config import testcontainers_config

    before = testcontainers_config.ryuk_disabled
    with named("docker").serve():
        assert testcontainers_config.ryuk_disabled == before
