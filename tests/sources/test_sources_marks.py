from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from pytest_asyncdb.sources.marks import SECRET_WORDS, Marks, import_statements, names_a_secret
from pytest_asyncdb.sources.project import Project


@pytest.mark.parametrize(
    ("source", "statements"),
    [
        (b"import a\nx = 1\nfrom b import c\n", b"import a\nfrom b import c"),
        (b"def f():\n    import a.b as c\n", b"    import a.b as c"),
        (b"from a import (\n    b,\n    c,\n)\nx = (1)\n", b"from a import (\n    b,\n    c,\n)"),
        (b"from a import b, \\\n    c\nx = 1\n", b"from a import b, \\\n    c"),
        (b"from a import b, \\\r\n    c\r\nx = 1\r\n", b"from a import b, \\\r\n    c\r"),
        (b"from .. import (b)\nfrom . import(c)", b"from .. import (b)\nfrom . import(c)"),
        (b"x = important\n# import a\ny = 'x import y'\nimportant = 1\n", b"important = 1"),
        (b"from a import (", b"from a import ("),
        (b"", b""),
    ],
)
def test_import_statements_are_found_by_their_text(source, statements):
    assert import_statements(source) == statements


def test_no_import_of_real_sources_is_missed():
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::5]:
        data = file.read_bytes()
        found = ast.parse(data)
        lines = data.splitlines()
        statements = import_statements(data)
        for node in ast.walk(found):
            own_line = (
                isinstance(node, ast.Import | ast.ImportFrom) and not lines[node.lineno - 1][: node.col_offset].strip()
            )
            if own_line:
                for alias in node.names:
                    assert alias.name.encode() in statements, (file, alias.name)


def test_each_file_is_read_once_for_all_the_usual_words():
    files = {"a.py": b"x = getenv('A')", "b.py": b"URL = 'postgres://h'\nMY_PASSWORD = ''", "c.py": b"", "d.py": None}
    read = []
    marks = Marks(files, lambda path: (read.append(path), files[path])[1])
    assert marks.holders((b"getenv",)) == {"a.py"}
    assert marks.holders((b"://", b"getenv")) == {"a.py", "b.py"}
    assert marks.holders((SECRET_WORDS,)) == {"b.py"}
    assert marks.holders((b"create_engine(",)) == frozenset()
    assert marks.imports("a.py") == b""
    assert read == list(files)
    assert marks.holders((b"postgres",)) == {"b.py"}


@pytest.mark.parametrize("word", [b"DB_PASSWORD", b"Secret", b"apiKey", b"api_key", b"TOKEN", b"pwd", b"db_pass = 1"])
def test_words_that_name_a_secret(word):
    assert names_a_secret(b"x = 1\n" + word)
    assert not names_a_secret(b"def f(): pass\n")


def test_a_file_that_is_no_utf8_is_searched_as_text(tree):
    project = Project(tree({"a.py": "url = 'postgres://h'\n".encode("utf-16"), "templates/x/b.py": "'://'"}))
    assert project.holders(b"://") == {"a.py", "templates/x/b.py"}
