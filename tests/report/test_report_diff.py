"""Unified diffs read back."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from pytest_asyncdb.report.diff import Hunk, hunks


def _diff(old: list[str], new: list[str], context: int = 3) -> str:
    lines = difflib.unified_diff(old, new, "a/x.py", "b/x.py", lineterm="", n=context)
    return "\n".join(lines) + "\n"


def test_context_is_left_out_and_the_line_is_that_of_the_first_change():
    old = [str(number) for number in range(1, 21)]
    new = ["1", "2", "drei", *old[3:17], "18", "18b", "19", "20"]
    assert list(hunks(_diff(old, new))) == [
        Hunk("x.py", 3, ("-3", "+drei")),
        Hunk("x.py", 19, ("+18b",)),
    ]


def test_a_removed_sql_comment_is_no_file_header():
    assert list(hunks("--- a/x.sql\n+++ b/x.sql\n@@ -4,2 +4,2 @@\n--- old\n+++ new\n same\n")) == [
        Hunk("x.sql", 4, ("--- old", "+++ new"))
    ]


def test_several_files_and_a_new_one():
    text = (
        "--- a/one.txt\t2026-01-01\n+++ b/one.txt\n@@ -1 +1 @@\n-a\r\n\\ No newline at end of file\n+b\n"
        "--- /dev/null\n+++ b/two.txt\n@@ -0,0 +1,2 @@\n+c\n+d\n"
    )
    assert list(hunks(text)) == [Hunk("one.txt", 1, ("-a", "+b")), Hunk("two.txt", 1, ("+c", "+d"))]


def test_a_cut_diff_gives_what_it_has():
    assert list(hunks("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a")) == [Hunk("x", 1, ("-a",))]
    assert list(hunks("")) == []


lines = st.lists(st.text(alphabet="-+ @\\ab", max_size=4), max_size=12)


@given(lines, lines, st.integers(0, 3))
def test_every_change_is_given_back_at_its_place(old, new, context):
    rebuilt = list(old)
    shift = 0
    for hunk in hunks(_diff(old, new, context)):
        gone = [line[1:] for line in hunk.changed if line[0] == "-"]
        come = [line[1:] for line in hunk.changed if line[0] == "+"]
        at = hunk.line - 1 + shift
        assert rebuilt[at : at + len(gone)] == gone
        rebuilt[at : at + len(gone)] = come
        shift += len(come) - len(gone)
    assert rebuilt == new
