"""Lines for a shell: which are taken apart, and that all others start nothing."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from pytest_asyncdb.sandbox.programs import is_harmless
from pytest_asyncdb.sandbox.shell import programs

HARMLESS = {
    "git describe": ["git describe"],
    "/usr/bin/git describe": ["/usr/bin/git describe"],
    "git describe&&git status;date||pwd|cat": ["git describe", "git status", "date", "pwd", "cat"],
    "\n(git rev-parse HEAD && date;)2> /dev/null||\ncat VERSION 2>&1 >/dev/null;\n": [
        "git rev-parse HEAD",
        "date",
        "cat VERSION",
    ],
    "2>/dev/null git tag": ["git tag"],
    "(date);(date)": ["date", "date"],
    "(date && (git tag || pwd) && date) | cat": ["date", "git tag", "pwd", "date", "cat"],
    "echo a#b 2 >/dev/null": ["echo a#b 2"],
    """git log --format='%h (%s) > $x' "a && b" c\\;d""": ["git log '--format=%h (%s) > $x' 'a && b' 'c;d'"],
}
NOT_UNDERSTOOD = [
    "",
    " \n",
    "()",
    "(date",
    "date)",
    "((date))",
    "( (date) )",
    "(date && ((date)))",
    "(date && (date; (date)))",
    "(date) date",
    "date (date)",
    "cat() date",
    "date &",
    "date & date",
    "date &&& date",
    "date |& cat",
    "date ;; date",
    "date && && date",
    "&& date",
    "date &&",
    "date |",
    "(date &&)",
    "; date",
    "date\n;date",
    "date > now",
    "date >> /dev/null",
    "date > /dev/nullx",
    "date > /dev/null\xa0",
    "date 2>&1\xa0",
    "22>/dev/null date",
    "echo a2>/dev/null",
    "date 22>/dev/null",
    "date > /dev/null/x",
    "date > '/dev/null'",
    "date >| /dev/null",
    "date &> /dev/null",
    "date 3> /dev/null >&3",
    "date 1>&2",
    "date 2>&1x",
    "date 2> &1",
    "date 2>&1-",
    "> /dev/null",
    "cat < now",
    "cat << now",
    "cat <(date)",
    "echo $(date)",
    "echo `date`",
    "echo $HOME",
    'echo "$(date)"',
    'echo "`date`"',
    'echo "\\`date`"',
    "echo $'a'",
    "echo {a,b}",
    "{ date; }",
    "echo 'a",
    'echo "a',
    "echo a\\",
    "ca\\\nt",
    "date # now",
    "echo # 'a\ndate\n'",
    "date \x0b date",
    "date\rdate",
    "A=/bin/cat date",
    "A=cat date",
    "+A=cat date",
    "./*/cat",
    "~/cat",
    "[/cat",
    "evil\xa0/bin/cat",
    "'evil /bin/cat'",
]
HARMFUL = [
    "curl x",
    "sh -c date",
    "/bin/sh x",
    "(date; curl x)",
    "date && curl x",
    "date || curl x",
    "date; curl x",
    "date | curl x",
    "date\ncurl x",
    "2>/dev/null curl x",
    "date '\n' && curl x '\n'",
    "! curl x",
    "if date; then date; fi",
    "time date",
    "exec date",
    "cd x && date",
    "git push",
    "git describe && git push",
    "git $x",
    "git && describe",
    "git -c core.pager=evil log",
    "python -c 1 && date",
]


@pytest.mark.parametrize("line", HARMLESS)
def test_a_line_of_harmless_programs_runs(line):
    assert programs(line) == [shlex.split(one) for one in HARMLESS[line]]
    assert is_harmless(["sh", "-c", line], "/bin/sh")


@pytest.mark.parametrize("line", NOT_UNDERSTOOD)
def test_a_line_that_is_not_understood_starts_nothing(line):
    assert programs(line) == []
    assert not is_harmless(["sh", "-c", line], "/bin/sh")


@pytest.mark.parametrize("line", HARMFUL)
def test_one_harmful_program_is_enough(line):
    assert not is_harmless(["sh", "-c", line], "/bin/sh")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shells_read_a_line_the_same_way(shell, tmp_path):
    program = tmp_path / "git"
    program.write_text('#!/bin/sh\nfor one; do echo "<$one>"; done; echo end\n')
    program.chmod(0o755)
    line = (
        """2>/dev/null git 'a\n;' "b && c"\\;d#\n(git e|git f&&git g 2>&1)||git h 3 >/dev/null;git 2 2> /dev/null\n"""
    )
    done = subprocess.run(
        [shell, "-c", line], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    words = [one[1:] for one in programs(line)]
    assert words == [["a\n;", "b && c;d#"], ["e"], ["f"], ["g"], ["h", "3"], ["2"]]
    called = [one.rstrip("\n").removesuffix("end").rstrip("\n") for one in done.stdout.split("end\n")[:-1]]
    # What ``e`` prints goes to ``f``, and ``h`` is not reached.
    assert called == ["\n".join(f"<{word}>" for word in one) for one in words if one[0] not in {"e", "h"}]
