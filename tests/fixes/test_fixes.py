from __future__ import annotations

import pytest

from pytest_asyncdb.fixes import ConflictError, apply, changed_lines, compatible, old_line
from pytest_asyncdb.model.fix import AddImport, AddRequirement, Change, Fix, RemoveImport, Replace
from pytest_asyncdb.model.place import Span


def fix(*changes: Change) -> Fix:
    return Fix("a fix", changes, safe=True)


def changed(text: str, *changes: Change) -> str:
    return apply([fix(*changes)], lambda _: text).get("m.py", text)


def remove(module: str, name: str) -> RemoveImport:
    return RemoveImport("m.py", module, name)


def add(module: str, name: str) -> AddImport:
    return AddImport("m.py", module, name)


def replace(text: str, old: str, new: str, path: str = "m.py") -> Replace:
    start = text.index(old)
    return Replace(Span(path, 1, start + 1, start, start + len(old)), new)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        ("from x import a, b, c|", "a", "from x import b, c|"),
        ("from x import a, b, c|", "b", "from x import a, c|"),
        ("from x import a, b, c|", "c", "from x import a, b|"),
        ("from x import a, b, c|", "bc", "from x import a|"),
        ("from x import a, b, c|", "ac", "from x import b|"),
        ("from x import a, b, c  # why|", "ab", "from x import c  # why|"),
        ("from x import a  # why|y = 1|", "a", "y = 1|"),
        (
            "from x import (|    a,|    b,  # the second|    c,|)|",
            "a",
            "from x import (|    b,  # the second|    c,|)|",
        ),
        ("from x import (|    a,|    b,|    c,|)|", "c", "from x import (|    a,|    b,|)|"),
        ("from x import a as z, b|", "a", "from x import b|"),
        ("def f():|    from x import a|    return 1|", "a", "def f():|    pass|    return 1|"),
        ("é = 'ü'; from x import a, b|", "a", "é = 'ü'; from x import b|"),
    ],
)
def test_names_leave_an_import_and_nothing_else_moves(before: str, names: str, after: str, end: str) -> None:
    text = before.replace("|", end)
    assert changed(text, *(remove("x", name) for name in names)) == after.replace("|", end)


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("from x import b, d\n", "a", "from x import a, b, d\n"),
        ("from x import b, d\n", "c", "from x import b, c, d\n"),
        ("from x import b, d\n", "e", "from x import b, d, e\n"),
        ("from x import b, d\n", "Z", "from x import Z, b, d\n"),
        ("from x import b, d\n", "b", "from x import b, d\n"),
        ("from x import (\n    b,\n    d,\n)\n", "c", "from x import (\n    b,\n    c,\n    d,\n)\n"),
        ("from x import (\n    b,\n    d,\n)\n", "e", "from x import (\n    b,\n    d,\n    e,\n)\n"),
        (
            "import os\nfrom x.y import q\nfrom z import w\n",
            "a",
            "import os\nfrom x.y import q\nfrom x import a\nfrom z import w\n",
        ),
        ('"""Doc."""\n\nimport os\n\nprint(1)\n', "a", '"""Doc."""\n\nimport os\nfrom x import a\n\nprint(1)\n'),
        ('"""Doc."""\n', "a", '"""Doc."""\nfrom x import a\n'),
        ("print(1)\n", "a", "from x import a\nprint(1)\n"),
        ("import os", "a", "import os\nfrom x import a\n"),
    ],
)
def test_a_name_joins_the_imports(before: str, name: str, after: str) -> None:
    assert changed(before, add("x", name)) == after


def test_a_name_moves_from_one_module_to_another() -> None:
    before = "from m.session import S, E\nfrom s.aio import make\nfrom s.orm import old\n\nmake(old)\n"
    after = "from m.session import S\nfrom s.aio import E, make, new\n\nmake(new)\n"
    assert (
        changed(
            before,
            remove("m.session", "E"),
            add("s.aio", "E"),
            remove("s.orm", "old"),
            add("s.aio", "new"),
            replace(before, "old)", "new)"),
        )
        == after
    )


def test_removing_the_only_name_while_adding_another() -> None:
    assert changed("from x import a\n", remove("x", "a"), add("x", "b")) == "from x import b\n"


def test_edits_of_one_line_compose() -> None:
    text = "U=postgresql://h/d?sslmode=require&channel_binding=require\n"
    one = fix(replace(text, "postgresql", "postgresql+asyncpg"))
    two = fix(replace(text, "sslmode=require", "ssl=require"))
    three = fix(replace(text, "&channel_binding=require", ""))
    assert apply([three, one, two, one], lambda _: text) == {"m.py": "U=postgresql+asyncpg://h/d?ssl=require\n"}


def test_contradicting_fixes_are_refused_and_the_first_wins() -> None:
    text = "abcdef\n"
    one, two = fix(replace(text, "bcd", "x")), fix(replace(text, "cde", "y"))
    with pytest.raises(ConflictError, match=r"m\.py:1"):
        apply([one, two], lambda _: text)
    assert compatible([one, two], lambda _: text) == (one,)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("requirements.txt", "a\nb>=1  # why\n", "a\nb>=1  # why\nasyncpg>=0.29\n"),
        ("requirements.txt", "a\r\nb\r\n", "a\r\nb\r\nasyncpg>=0.29\r\n"),
        ("requirements.txt", "a", "a\nasyncpg>=0.29\n"),
        (
            "pyproject.toml",
            '[project]\nname = "x" # n\ndependencies = [\n    "a",  # one\n    "b",\n]\n',
            '[project]\nname = "x" # n\ndependencies = [\n    "a",  # one\n    "b",\n    "asyncpg>=0.29",\n]\n',
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\npython = "^3.11"\n\n[tool.x]\ny = 1\n',
            '[tool.poetry.dependencies]\npython = "^3.11"\nasyncpg = ">=0.29"\n\n[tool.x]\ny = 1\n',
        ),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    a\n    b\nzip = 1\n",
            "[options]\ninstall_requires =\n    a\n    b\n    asyncpg>=0.29\nzip = 1\n",
        ),
    ],
)
def test_a_requirement_is_declared_in_the_files_own_style(path: str, before: str, after: str) -> None:
    assert apply([fix(AddRequirement(path, "asyncpg>=0.29"))], lambda _: before) == {path: after}


def test_a_file_that_cannot_be_edited_says_what_to_add() -> None:
    with pytest.raises(ValueError, match=r"setup\.py .*asyncpg"):
        apply([fix(AddRequirement("setup.py", "asyncpg"))], lambda _: "setup()")


def test_changed_lines_and_line_mapping() -> None:
    old, new = "a\nb\nc\nd\n", "a\nB\nx\nc\nd\n"
    assert changed_lines(old, new) == ("b", "B\nx")
    assert [old_line(old, new, n) for n in (1, 2, 4, 5)] == [1, 2, 3, 4]
