"""The documentation is true: code runs or parses, links lead somewhere, options exist, built pages are up to date."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from markdown_it import MarkdownIt

from pytest_asyncdb import fixture_set

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
MARKDOWN = MarkdownIt("commonmark").enable("table")
OPTION = re.compile(r"--asyncdb-[a-z-]+")
SETTING = re.compile(r"asyncdb_[a-z_]+")
FILE = re.compile(r"# ([\w./-]+\.(?:ini|py|toml))\n")
"""First line of a block that is a file of the page's project."""


def _name(page):
    return page.relative_to(ROOT).as_posix()


def _blocks(page):
    tokens = MARKDOWN.parse(page.read_text("utf-8"))
    return [(token.info.split()[0] if token.info else "", token) for token in tokens if token.type == "fence"]


BLOCKS = [
    (f"{_name(page)}:{token.map[0] + 1}", language, token.content)
    for page in PAGES
    for language, token in _blocks(page)
]
TESTS = [
    (_name(page), number, token.content)
    for page in PAGES
    for number, (language, token) in enumerate(_blocks(page))
    if language == "python" and "def test_" in token.content and not FILE.match(token.content)
]
PROJECTS = [page for page in PAGES if any(FILE.match(token.content) for _, token in _blocks(page))]
COMMANDS = [pytest.param(code, id=at) for at, language, code in BLOCKS if language == "console"]
READERS = {"toml": tomllib.loads, "yaml": yaml.safe_load, "json": json.loads}
DATA = [pytest.param(READERS[language], code, id=at) for at, language, code in BLOCKS if language in READERS]


@pytest.fixture(scope="module")
def usage(tmp_path_factory):
    """What ``pytest --help`` says of our options and settings."""
    command = [sys.executable, "-m", "pytest", "--help"]
    return subprocess.run(
        command, cwd=tmp_path_factory.mktemp("help"), capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def options(usage):
    return set(re.findall(r"^  (--asyncdb-[a-z-]+)", usage, re.MULTILINE))


@pytest.fixture(scope="module")
def settings(usage):
    return set(re.findall(r"^  (asyncdb_[a-z_]+) ", usage, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_says_what_it_is(page):
    for language, token in _blocks(page):
        assert language in {*READERS, "console", "python", "text"}, token.map
        assert token.content.strip(), token.map


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_runs(page, tmp_path):
    """The blocks of a page run one after the other; those that hold tests, or are files, are run by pytest instead."""
    plain = [
        token.content
        for language, token in _blocks(page)
        if language == "python" and "def test_" not in token.content and not FILE.match(token.content)
    ]
    if not plain:
        return
    script = tmp_path / "page.py"
    script.write_text("\n\n".join(plain), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _pytest(directory, *arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FORCE_COLOR"))}
    done = subprocess.run(command, cwd=directory, env=plain, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("alone", [False, True], ids=["on the same tables", "on tables of their own"])
def test_tests_in_the_documentation_pass(alone, tmp_path):
    """Those that say where the tables come from need a run of their own."""
    wanted = [one for one in TESTS if ("def asyncdb_metadata" in one[2]) is alone]
    assert wanted
    for page, number, code in wanted:
        name = re.sub(r"\W", "_", f"{page} {number}")
        (tmp_path / f"test_{name}.py").write_text(code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n", encoding="utf-8")
    code, output = _pytest(tmp_path, "-q")
    assert code == 0, output


@pytest.mark.parametrize("page", PROJECTS, ids=_name)
def test_the_project_of_a_page_is_tested_as_it_says(page, tmp_path):
    """Its files are written; its commands are run, or pytest when it shows none; what it shows of them is printed."""
    commands, shown = [], {}
    for language, token in _blocks(page):
        named = FILE.match(token.content)
        if named:
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(token.content, encoding="utf-8")
        elif language == "console":
            commands += [line.removeprefix("$ ") for line in token.content.splitlines() if line.startswith("$ pytest")]
        elif language == "text":
            shown[commands[-1]] = token.content
    assert list(tmp_path.rglob("test_*.py"))
    for command in commands or ["pytest"]:
        code, output = _pytest(tmp_path, *shlex.split(command)[1:])
        assert code == int(bool(re.search(r"\d (error|failed)", shown.get(command, "")))), output
        _is_printed(shown.get(command, ""), output)


def _is_printed(shown, output):
    """Line by line and in this order; ``...`` stands for lines, or within a line for what differs from run to run."""
    printed = iter(output.splitlines())
    for line in shown.splitlines():
        pattern = re.escape(line).replace(re.escape("..."), ".*")
        assert line == "..." or any(re.fullmatch(pattern, one) for one in printed), f"{line!r} is not in\n{output}"


@pytest.mark.parametrize(("read", "code"), DATA)
def test_data_parses_and_names_only_settings_that_exist(read, code, settings):
    data = read(code)
    assert data
    ini = data.get("tool", {}).get("pytest", {}).get("ini_options", {})
    assert {name for name in ini if name.startswith("asyncdb")} <= settings


@pytest.mark.parametrize("code", COMMANDS)
def test_a_command_is_shell_and_asks_pytest_for_what_it_has(code, options):
    commands = [line.removeprefix("$ ") for line in code.splitlines() if line.startswith("$ ")]
    assert commands, "a console block shows a command after `$ `"
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
        assert set(OPTION.findall(command)) <= options, command
        words = shlex.split(command, posix=True)
        for value in (word.partition("=")[2] for word in words if word.startswith("--asyncdb-fail-on=")):
            assert value in {"blocks", "latent", "advice"}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_only_options_and_settings_that_exist_are_spoken_of(page, options, settings):
    text = page.read_text("utf-8")
    assert set(OPTION.findall(text)) <= options
    fixtures = {name for name, value in vars(fixture_set).items() if name.startswith("asyncdb_") and callable(value)}
    assert set(SETTING.findall(text)) <= settings | fixtures | {"asyncdb_", "asyncdb_check"}


def _first_column(path):
    cells = re.findall(r"^\| `([^`]+)`", path.read_text("utf-8"), re.MULTILINE)
    return {re.split(r"[=\s]", cell)[0] for cell in cells}


def test_every_option_and_setting_is_documented(options, settings):
    assert len(options) > 1
    assert len(settings) > 1
    documented = _first_column(ROOT / "docs" / "reference" / "options.md")
    assert {one for one in documented if one.startswith(("--asyncdb", "asyncdb"))} == options | settings
    assert {one for one in _first_column(ROOT / "README.md") if one.startswith("--asyncdb")} == options


def _anchors(page):
    tokens = MARKDOWN.parse(page.read_text("utf-8"))
    titles = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _links(page):
    for token in MARKDOWN.parse(page.read_text("utf-8")):
        for child in token.children or ():
            if child.type in {"link_open", "image"}:
                yield str(child.attrGet("href") or child.attrGet("src"))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    for link in _links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.is_file(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_page_can_be_reached_from_the_readme():
    reached, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        reached.add(page)
        found = {(page.parent / link.partition("#")[0]).resolve() for link in _links(page) if "://" not in link}
        open_pages += [one for one in found if one.suffix == ".md" and one.is_file() and one not in reached]
    others = {ROOT / "docs" / "README.md", ROOT / "CHANGELOG.md"}
    assert set(PAGES) - others <= reached


def _reference():
    spec = importlib.util.spec_from_file_location("build_reference", ROOT / "docs" / "build_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_the_checks_are_up_to_date():
    assert _reference().outdated() == [], "run `tox run -e reference`"


def test_an_outdated_a_missing_and_a_needless_page_are_noticed(tmp_path):
    reference = _reference()
    reference.PAGES = tmp_path / "checks"
    assert reference.main(["--check"]) == 1
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (reference.PAGES / "ADB999.md").write_text("# of no check\n")
    (reference.PAGES / "README.md").write_text("# edited by hand\n")
    assert reference.outdated() == ["ADB999.md", "README.md"]
    assert reference.main([]) == 0
    assert reference.outdated() == []


def test_the_first_line_of_the_readme_says_what_it_is_for():
    first = (ROOT / "README.md").read_text("utf-8").partition("\n")[0]
    for word in ("SQLAlchemy", "asyncio", "Postgres", "ASGI", "not related to the package `asyncdb`"):
        assert word in first


@pytest.mark.skipif(int(version("sqlalchemy").split(".")[1]) < 1, reason="the README shows a run on SQLAlchemy 2.1")
def test_the_readme_shows_what_the_shipped_example_prints(tmp_path):
    """Line by line and in this order; versions and times may differ."""
    shutil.copytree(ROOT / "examples" / "apps" / "audited_backend", tmp_path / "app")
    command = [sys.executable, "-W", "ignore", "-m", "pytest", "--asyncdb-check", "-p", "no:cacheprovider"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FORCE_COLOR"))}
    done = subprocess.run(command, cwd=tmp_path / "app", env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    printed = iter(done.stdout.splitlines())
    (shown,) = [token.content for language, token in _blocks(ROOT / "README.md") if language == "text"]
    for line in shown.splitlines():
        if line != "..." and "ready in" not in line:
            assert line in printed, f"{line!r} is not in, or not in this order:\n{done.stdout}"


def test_the_changelog_knows_the_version():
    assert f"## [{version('pytest-asyncdb')}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
