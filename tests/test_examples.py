"""Each check's examples, run as whole projects with every check on.

What is expected stands on the offending line as ``# expect: ADB303`` (several ids: several findings), or in
``expect.txt`` as ``path:line ADB303`` where a file takes no comments. ``only-with.txt`` lists the requirements
without which an example shows nothing; ``!name`` means that the package must not be there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pytest_asyncdb.fixes import apply
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.run import analyse
from pytest_asyncdb.sources.project import Project

EXAMPLES = Path(__file__).parent.parent / "examples"
ABOUT_THE_EXAMPLE = {"expect.txt", "only-with.txt"}
MARK = re.compile(r"[ \t]*# expect: (?P<ids>ADB\d{3}(?: ADB\d{3})*)[ \t]*$", re.MULTILINE)
PASSWORD = re.compile(r"://[^:/@\s]+:([^@\s]+)@")
ENGINE = re.compile(r"\b(?P<name>create_async_engine|create_engine)\(")
WAITS_FOR_EVER = {"ADB208": 3.0}


@pytest.fixture(params=sorted(path.name for path in EXAMPLES.glob("ADB*")))
def check_id(request):
    return request.param


@pytest.fixture(params=["\n", "\r\n"], ids=["lf", "crlf"])
def ending(request):
    return request.param


def texts(folder, ending="\n"):
    """The example's files without what is said about it, and what is expected of it."""
    files, expected = {}, Counter()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        name = path.relative_to(folder).as_posix()
        text = path.read_bytes().decode()
        if name not in ABOUT_THE_EXAMPLE:
            for number, line in enumerate(text.split("\n"), 1):
                if match := MARK.search(line):
                    expected.update((name, number, one) for one in match["ids"].split())
            files[name] = MARK.sub("", text).replace("\n", ending)
        elif name == "expect.txt":
            places = (line.rsplit(" ", 1) for line in text.splitlines())
            expected.update((place.rpartition(":")[0], int(place.rpartition(":")[2]), one) for place, one in places)
    return files, expected


def lay_out(folder, root, ending="\n"):
    """Write the example as a project of its own, held by git."""
    skip_unless_installed(folder)
    files, expected = texts(folder, ending)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return files, expected


def skip_unless_installed(folder):
    """Skip an example that shows nothing with the versions installed here."""
    wanted = folder / "only-with.txt"
    for line in wanted.read_text().split() if wanted.exists() else ():
        requirement = Requirement(line.lstrip("!"))
        try:
            there = requirement.specifier.contains(version(requirement.name), prereleases=True)
        except PackageNotFoundError:
            there = False
        if there is line.startswith("!"):
            pytest.skip(f"needs {'no ' if line.startswith('!') else ''}{requirement}")


def examine(root, check_id):
    """All findings of all checks."""
    settings = Settings(root.resolve(), import_timeout=WAITS_FOR_EVER.get(check_id, 30.0), prove=False)
    return analyse(settings)


def test_bad_is_reported_exactly_and_its_fixes_make_it_good(check_id, ending, tmp_path):
    folder = EXAMPLES / check_id
    files, expected = lay_out(folder / "bad", tmp_path, ending)
    assert check_id in {one for _, _, one in expected}, "a bad example marks what its check finds"

    result = examine(tmp_path, check_id)

    findings = [one.finding for one in result.findings]
    found = Counter((f.place.path, f.place.line, f.id) for f in findings)
    assert found == expected, "\n".join(f"{f.place} {f.id} {f.message}: {f.root_cause}" for f in findings)
    for finding in findings:
        assert_well_said(finding)
    for password in PASSWORD.findall("\n".join(files.values())):
        assert password not in repr(result)
    own = [fix for finding in findings for fix in finding.fixes]
    if all(any(fix.safe for fix in finding.fixes) for finding in findings):
        fixed = apply([fix for fix in own if fix.safe], Project(tmp_path.resolve()).text)
        good, _ = texts(folder / "good", ending)
        assert {**files, **fixed} == good


@pytest.mark.parametrize(
    "check_id", sorted(p.parts[-3] for p in EXAMPLES.glob("ADB*/bad/main.py") if ENGINE.search(p.read_text()))
)
def test_aliased_imports_change_nothing(check_id, tmp_path):
    _, expected = lay_out(EXAMPLES / check_id / "bad", tmp_path)
    main = tmp_path / "main.py"
    text = main.read_text()
    name = ENGINE.search(text)["name"]
    aliased = re.sub(rf"(?m)^(from .* import .*\b{name})\b", r"\1 as make", text)
    main.write_text(re.sub(rf"\b{name}\(", "make(", aliased))

    result = examine(tmp_path, check_id)

    found = Counter((f.place.path, f.place.line, f.id) for f in (one.finding for one in result.findings))
    assert found == expected


def assert_well_said(finding):
    """One line with the project's symbol in backticks and no full stop; a cause; no fix without a change."""
    assert "\n" not in finding.message
    assert "`" in finding.message
    assert not finding.message.endswith(".")
    assert len(finding.message) <= 200
    assert finding.root_cause.strip()
    for fix in finding.fixes:
        assert fix.changes
        assert fix.title
        assert fix.safe or fix.why, "an unsafe fix says what a person has to decide"


def test_good_is_silent(check_id, tmp_path):
    lay_out(EXAMPLES / check_id / "good", tmp_path)

    result = examine(tmp_path, check_id)

    assert [f"{one.finding.place} {one.finding.id} {one.finding.message}" for one in result.findings] == []


@pytest.mark.parametrize("name", sorted(path.name for path in (EXAMPLES / "apps").iterdir() if path.is_dir()))
def test_apps_are_judged_by_every_check(name, tmp_path):
    """No healthy app is accused of anything, and nothing is left unjudged for a reason of ours."""
    if name == "audited_backend":
        pytest.skip("broken on purpose; its own test reads the whole report")
    shutil.copytree(EXAMPLES / "apps" / name, tmp_path, dirs_exist_ok=True)

    result = analyse(Settings(tmp_path.resolve(), prove=False))

    assert [f"{one.finding.place} {one.finding.id} {one.finding.message}" for one in result.findings] == []
