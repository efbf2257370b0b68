"""Reports as files."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat

import pytest

from pytest_asyncdb.report.write import ReportError, check, write


def test_the_suffix_chooses_the_format(tmp_path, broken):
    write(broken, tmp_path / "audit.md")
    write(broken, tmp_path / "audit.JSON")
    assert (tmp_path / "audit.md").read_text("utf-8").startswith("# Async database audit\n")
    assert json.loads((tmp_path / "audit.JSON").read_text("utf-8"))["schema"] == "pytest-asyncdb/1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.JSON", "audit.md"]


@pytest.mark.parametrize("name", ["audit", "audit.txt", ".json", "audit.md.bak"])
def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path, name):
    with pytest.raises(ReportError, match=r"audit|\.json") as caught:
        check(tmp_path / name)
    assert "has to end in .json or .md" in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_directory_is_named(tmp_path, broken):
    with pytest.raises(ReportError) as caught:
        write(broken, tmp_path / "no" / "audit.md")
    assert f"the directory {tmp_path / 'no'} does not exist; create it first" in str(caught.value)


def test_a_directory_in_the_place_of_the_file_is_refused(tmp_path, broken):
    (tmp_path / "audit.md").mkdir()
    with pytest.raises(ReportError, match="this is a directory"):
        write(broken, tmp_path / "audit.md")


def test_an_old_report_is_replaced_in_one_step(tmp_path, broken, healthy):
    target = tmp_path / "audit.md"
    write(healthy, target)
    with target.open(encoding="utf-8") as held:
        write(broken, target)
        assert "no fault found" in held.read()
    assert "What blocks the start" in target.read_text("utf-8")


def test_a_symbolic_link_stays_one(tmp_path, broken):
    (tmp_path / "real").mkdir()
    (tmp_path / "audit.md").symlink_to(tmp_path / "real" / "audit.md")
    write(broken, tmp_path / "audit.md")
    assert (tmp_path / "audit.md").is_symlink()
    assert (tmp_path / "real" / "audit.md").is_file()


def test_it_gets_the_permissions_that_the_user_gives_new_files(tmp_path, broken):
    before = os.umask(0o027)
    try:
        write(broken, tmp_path / "audit.md")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "audit.md").stat().st_mode) == 0o640


def test_a_full_disk_is_an_error_of_ours_and_keeps_the_old_report(tmp_path, broken):
    target = tmp_path / "audit.md"
    target.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(ReportError, match="can't be written: File too large"):
            write(broken, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
