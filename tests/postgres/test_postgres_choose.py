"""Which provider is chosen, and what is said when none can be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_asyncdb.postgres.choose import LADDER, NoProviderError, UnknownProviderError, choose

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


def test_choosing_imports_nothing_heavy():
    code = """
import sys
from pytest_asyncdb.postgres import choose, embedded, local
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
