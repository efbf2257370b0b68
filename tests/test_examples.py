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

from pytest_asyncdb import run
from pytest_asyncdb.examine import is_to_be_fixed, judge_again
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
    return analyse(settings_for(root, check_id))


def settings_for(root, check_id):
    return Settings(root.resolve(), import_timeout=WAITS_FOR_EVER.get(check_id, 30.0), prove=False)


@pytest.fixture
def seen(monkeypatch):
    """The examinations of this test: what a project of the same lines and the same meaning would show as well."""
    examinations = []

    def keep(project, app, *rest, **options):
        examinations.append((app, examination := original(project, app, *rest, **options)))
        return examination

    original = run.examine
    monkeypatch.setattr(run, "examine", keep)
    return examinations


def findings_of_variant(root, check_id, seen):
    """What is said of a variant in which no line moved, so that it needs no boot of its own."""
    if not seen:  # nothing was booted at all
        return [one.finding for one in examine(root, check_id).findings]
    assert len(seen) == 1, "an example has one app"
    app, examination = seen[0]
    return judge_again(Project(root.resolve()), app, settings_for(root, check_id), examination).judgement.findings


def places(findings):
    return Counter((f.place.path, f.place.line, f.id) for f in findings)


def test_bad_is_reported_exactly_and_its_fixes_make_it_good(check_id, seen, tmp_path):
    folder = EXAMPLES / check_id
    files, expected = lay_out(folder / "bad", tmp_path / "bad")
    assert check_id in {one for _, _, one in expected}, "a bad example marks what its check finds"

    result = examine(tmp_path / "bad", check_id)

    findings = [one.finding for one in result.findings]
    assert places(findings) == expected, "\n".join(f"{f.place} {f.id} {f.message}: {f.root_cause}" for f in findings)
    for finding in findings:
        assert_well_said(finding)
    for password in PASSWORD.findall("\n".join(files.values())):
        assert password not in repr(result)
    assert_fixed(findings, tmp_path / "bad", files, folder / "good")

    files, _ = lay_out(folder / "bad", tmp_path / "crlf", "\r\n")
    findings = findings_of_variant(tmp_path / "crlf", check_id, seen)
    assert places(findings) == expected, "line endings change nothing"
    assert_fixed(findings, tmp_path / "crlf", files, folder / "good", "\r\n")

    for _, examination in seen:
        assert is_to_be_fixed(examination.facts, examination.checks) in {True, False}, "no check needs a boot"

    if renamed := alias(tmp_path / "bad" / "main.py"):
        assert places(findings_of_variant(tmp_path / "bad", check_id, seen)) == expected, renamed


def alias(main):
    """Import what makes engines under another name, where that can be done."""
    text = main.read_text() if main.exists() else ""
    name = ENGINE.search(text)
    if name is None:
        return ""
    aliased = re.sub(rf"(?m)^(from .* import .*\b{name['name']})\b", r"\1 as make", text)
    main.write_text(re.sub(rf"\b{name['name']}\(", "make(", aliased))
    return f"`{name['name']}` under another name changes nothing"


def assert_fixed(findings, root, files, good, ending="\n"):
    """The safe fixes make the good example of the bad one, letter by letter, where all findings have one."""
    if all(any(fix.safe for fix in finding.fixes) for finding in findings):
        safe = [fix for finding in findings for fix in finding.fixes if fix.safe]
        assert {**files, **apply(safe, Project(root.resolve()).text)} == texts(good, ending)[0]


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
