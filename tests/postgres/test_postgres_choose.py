"""Which provider is chosen, and what is said when none can be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_asyncdb.postgres.choose import (
    LADDER,
    NoProviderError,
    UnknownProviderError,
    choose,
    label,
    parse_requests,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["embedded", "local"])
def test_the_named_one_is_chosen_and_the_others_are_told(name, named):
    named(name)
    choice = choose(name)
    assert choice.provider.name == name
    assert [other for other, _ in choice.not_used] == [other for other in LADDER if other != name]
    assert all(f"{name} was asked for" in why for _, why in choice.not_used)


def test_auto_takes_the_wheel_first(named):
    named("embedded")
    choice = choose("auto")
    assert choice.provider.name == "embedded"
    assert dict(choice.not_used) == {"docker": "embedded comes first", "local": "embedded comes first"}


def test_auto_goes_down_the_ladder(monkeypatch, named):
    named("local")
    monkeypatch.setattr("pytest_asyncdb.postgres.embedded.PACKAGE", "no_such_package")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    choice = choose("auto")
    assert choice.provider.name == "local"
    assert "pip install 'pytest-asyncdb[embedded]'" in dict(choice.not_used)["embedded"]
    assert "no container engine at unix:///nowhere.sock" in dict(choice.not_used)["docker"]


def test_auto_does_not_pull(monkeypatch, named):
    named("docker")
    monkeypatch.setattr("pytest_asyncdb.postgres.embedded.PACKAGE", "no_such_package")
    monkeypatch.setenv("PYTEST_ASYNCDB_IMAGE", "postgres:no-such-tag")
    assert "docker pull postgres:no-such-tag" in dict(choose("auto").not_used)["docker"]


def test_none_at_all_tells_every_reason_and_way_out(monkeypatch):
    monkeypatch.setattr("pytest_asyncdb.postgres.embedded.PACKAGE", "no_such_package")
    monkeypatch.setattr("pytest_asyncdb.postgres.local.PATTERNS", ("/nowhere/*/bin",))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(NoProviderError) as caught:
        choose("auto")
    text = str(caught.value)
    for part in ("pytest-asyncdb[embedded]", "tcp://127.0.0.1:1", "/nowhere/*/bin", "--asyncdb-postgres=postgresql://"):
        assert part in text


@pytest.mark.parametrize(
    ("request_text", "parts"),
    [
        ("dokcer", ("--asyncdb-postgres", "did you mean 'docker'?")),
        ("Local", ("did you mean 'local'?",)),
        ("", ("auto, embedded, docker, local",)),
        ("mysql://u:hunter2@h/d", ("'mysql' is not the scheme of a Postgres URL",)),
        ("user:hunter2@host/db", ("is none of",)),
    ],
)
def test_a_meaningless_request_names_the_option_and_the_nearest_word(request_text, parts):
    with pytest.raises(UnknownProviderError) as caught:
        choose(request_text)
    assert all(part in str(caught.value) for part in parts)
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@/d", "postgres://u:hunter2@h:port/d"])
def test_a_url_that_leads_nowhere_is_told_without_its_password(url):
    with pytest.raises(NoProviderError) as caught:
        choose(url)
    assert "hunter2" not in str(caught.value)
    assert "***" in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "POSTGRESQL"])
def test_any_postgres_url_is_accepted(scheme):
    choice = choose(f"{scheme}://u:hunter2@db.invalid:6000/d")
    assert choice.provider.name == "url"
    assert "hunter2" not in repr(choice)


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("auto", ("auto",)),
        ("docker:15,docker:18", ("docker:15", "docker:18")),
        (" local:15 , embedded ", ("local:15", "embedded")),
        ("docker:registry.example:5000/team/pg:16-alpine,local:/opt/pg 15/bin", None),
        ("postgresql://u:a,b@h1:1,h2:2/d?x=1,2,docker:17", ("postgresql://u:a,b@h1:1,h2:2/d?x=1,2", "docker:17")),
        ("postgres://u:p@one/d,postgres://u:p@two/d", ("postgres://u:p@one/d", "postgres://u:p@two/d")),
    ],
)
def test_a_list_is_taken_apart(text, requests):
    assert parse_requests(text) == (requests or tuple(text.split(",")))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("docker:15,,docker:18", ("between two commas",)),
        ("docker:15,", ("no server is named",)),
        ("docker:15,postgresql:16", ("'postgresql:16' is none of auto, embedded, docker, local", "docker:17 names")),
        ("docker:15,docker:postgres:15", ("docker:15 is named twice",)),
        ("docker:", ("--asyncdb-postgres=docker: nothing follows the colon",)),
        ("local:", ("--asyncdb-postgres=local: nothing follows the colon", "local:15 names the major version")),
        ("local:15.3", ("15.3 is not a major version, 15 is",)),
        ("embedded:18.6", ("18.6 is not a major version, 18 is",)),
        ("embedded:latest", ("'latest' is no version",)),
        ("docker:Not An Image", ("'Not An Image' is no name of an image",)),
        ("docker:user:hunter2@Host", ("what follows is no name of an image",)),
        ("docker://u:hunter2@h/d", ("'docker' is not the scheme of a Postgres URL",)),
        ("auto:17", ("is none of",)),
        ("dokcer:17", ("did you mean 'docker'?",)),
    ],
)
def test_a_list_with_something_meaningless_in_it_says_what(text, parts):
    with pytest.raises(UnknownProviderError) as caught:
        parse_requests(text)
    assert all(part in str(caught.value) for part in parts)
    assert "hunter2" not in str(caught.value)


DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("docker:17", "docker:17"),
        ("docker:postgres:17-alpine", "docker:17-alpine"),
        ("docker:pgvector/pgvector:pg17", "docker:pgvector/pgvector:pg17"),
        (f"docker:17@{DIGEST}", "docker:17@sha256:0123456789ab"),
        (f"docker:ghcr.io/team/pg@{DIGEST}", "docker:ghcr.io/team/pg@sha256:0123456789ab"),
        ("local:/usr/lib/postgresql/15/bin", "local:/usr/lib/postgresql/15/bin"),
        ("postgresql+asyncpg://u:hunter2@db.example:6000/tests?password=hunter2", "url:db.example:6000/tests"),
        ("postgres://u:hunter2@[::1]/d", "url:::1/d"),
        ("postgres://", "url"),
    ],
)
def test_a_label_tells_which_without_a_secret(request_text, name):
    assert label(request_text) == name


@pytest.mark.parametrize(
    ("request_text", "image"),
    [
        ("docker:17", "postgres:17"),
        ("docker:16.4-bookworm", "postgres:16.4-bookworm"),
        (f"docker:17@{DIGEST}", f"postgres:17@{DIGEST}"),
        ("docker:myregistry/pg:16", "myregistry/pg:16"),
        ("docker:localhost:5000/pg", "localhost:5000/pg"),
        (f"docker:postgres@{DIGEST}", f"postgres@{DIGEST}"),
        ("docker", "of the environment"),
    ],
)
def test_a_version_or_an_image_is_chosen(request_text, image, monkeypatch, named):
    named("docker")
    monkeypatch.setenv("PYTEST_ASYNCDB_IMAGE", "of the environment")
    assert choose(request_text).provider.image == image


def fake(folder, version):
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)


def test_a_local_version_is_found_among_those_installed(tmp_path, monkeypatch):
    for version in ("14.1", "15.2", "18.0"):
        fake(tmp_path / version.partition(".")[0] / "bin", version)
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path / '18' / 'bin'}")
    monkeypatch.setattr("pytest_asyncdb.postgres.local.PATTERNS", (f"{tmp_path}/*/bin",))
    assert choose("local:15").provider._found[0].bin == tmp_path / "15" / "bin"  # noqa: SLF001 - what was found
    assert choose("local").provider._found[0].bin == tmp_path / "18" / "bin"  # noqa: SLF001 - what was found
    assert dict(choose("local:15").not_used)["docker"] == "local:15 was asked for"
    with pytest.raises(NoProviderError) as caught:
        choose("local:17")
    text = str(caught.value)
    assert "--asyncdb-postgres=local:17 cannot serve: no usable server binaries of Postgres 17" in text
    assert text.count(f"{tmp_path}/18/bin: version 18") == 1
    assert "ask for docker:17" in text


def test_the_wheel_has_one_version(named):
    major = named("embedded")._binaries(named("embedded")._package).asked().major  # noqa: SLF001 - what is installed
    assert choose(f"embedded:{major}").provider.name == "embedded"
    with pytest.raises(
        NoProviderError, match=rf"embedded:15 cannot serve: .* has Postgres {major}, not 15; .*docker:15"
    ):
        choose("embedded:15")


def test_choosing_imports_nothing_heavy():
    code = """
import sys
from pytest_asyncdb.postgres import choose, embedded, local
choose.parse_requests('docker:17,local:15')
heavy = set("asyncio asyncpg testcontainers docker ssl trustme sqlalchemy cryptography platformdirs".split())
choose.choose("auto")
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_supervisor_imports_only_the_standard_library():
    code = """
import pkgutil, sys
sys.path.append(sys.argv[1])
import pytest_asyncdb.postgres.supervision as package
for module in pkgutil.iter_modules(package.__path__):
    __import__(f"{package.__name__}.{module.name}")
ours = [name for name in sys.modules if name.startswith("pytest_asyncdb")]
print(sorted(name for name in ours if not name.startswith(("pytest_asyncdb.postgres.supervision"))))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, ROOT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['pytest_asyncdb', 'pytest_asyncdb.postgres']\n", "")
