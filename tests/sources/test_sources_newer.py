from __future__ import annotations

import ast
import sysconfig
import tokenize
from pathlib import Path

import pytest

from pytest_asyncdb.sources.newer import newer
from pytest_asyncdb.sources.project import Project
from pytest_asyncdb.sources.strings import masked, texts

OLD = (3, 11)
TRY = "try:\n    pass\n"


@pytest.mark.parametrize(
    ("source", "version"),
    [
        (f"{TRY}except ValueError, KeyError:\n    raise\n", (3, 14)),
        (f"{TRY}except* a.Ä, f(1, 2).B:  # x, y\n    raise\n", (3, 14)),
        ("def f[T: int, *Ts](x: T) -> T: return x\n", (3, 12)),
        ("async def g[\n    T,  # a ] b\n    Ü,\n](x): return y\n", (3, 12)),
        ("class A[T](Base): x = 1\n", (3, 12)),
        ("class A[T = int]: x = y\n", (3, 13)),
        ("type X = int\nif a:\n    type Y[T] = list[T]\n", (3, 12)),
        ('ä = t"{name!r} b"; b = a\n', (3, 14)),
        ("x = rT'''{name} b'''; b = a\n", (3, 14)),
        ('x = f"{d["ä"]} {d[\'b\']} {x:>{w}} {{"; b = a\n', (3, 12)),
        ("x = f'{'\\n'.join(d)} {f'{a}'}'; b = a\n", (3, 12)),
        ("x = f'{\n  d\n}'; b = a\n", (3, 12)),
        ('x = f"""{d["""a"""]} {\n  d  # why\n}"""; b = a\n', (3, 12)),
    ],
)
def test_newer_syntax_can_be_read_and_every_name_stays_at_its_place(source, version):
    found = newer(source, OLD)
    assert found is not None
    assert found.version == version
    lines = [line.encode() for line in source.splitlines()]
    names = [node for node in ast.walk(ast.parse(found.text)) if isinstance(node, ast.Name)]
    assert names
    for node in names:
        written = lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode()
        assert node.id == written or lines[node.lineno - 1][node.col_offset :].startswith(b"type " + node.id.encode())


@pytest.mark.parametrize("running", [(3, 12), (3, 13), (3, 14)])
def test_what_the_running_python_knows_is_left_alone(running):
    source = "def f[T](x: T): pass\ntype X = int\nx = f'{d['a']}'\n"
    assert newer(source, running) is None
    assert (newer("class A[T = int]: pass", running) is None) is (running >= (3, 13))
    assert (newer(f"{TRY}except A, B: pass", running) is None) is (running >= (3, 14))


@pytest.mark.parametrize(
    "source",
    [
        "'''\nexcept A, B:\n'''\n",
        "# except A, B:\n",
        f"{TRY}except (A, B): pass\n",
        f"{TRY}except (A, B) as e: pass\n",
        f"{TRY}except A, B as e: pass\n",
        "type = 1\ntype == 2\ntype(x)\ntype [1]\nmatch = type\n",
        "x = f'{a:\"^10}' ; y = f'{a[\"b\"]}' 'it'\n",
        "x = f'{a!r}' f'{{' \"'\" f'{b:%H:%M}'\n",
        "x = 'never closed\n",
        "x = f'{never closed'\n",
    ],
)
def test_what_is_no_newer_syntax(source):
    assert newer(source, OLD) is None


def test_strings_and_comments_are_those_of_pythons_own_tokenizer():
    """Every position of a string or comment in many a file of the standard library."""
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::4]:
        source = file.read_bytes().decode()
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        expected, opened = [], []
        with file.open("rb") as lines:
            for token in tokenize.tokenize(lines.readline):
                kind = tokenize.tok_name[token.type]
                start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
                if kind == "FSTRING_START":
                    opened.append(start)
                elif kind == "FSTRING_END":
                    first = opened.pop()
                    expected += [] if opened else [(first, end)]
                elif kind in ("STRING", "COMMENT") and not opened:
                    expected.append((start, end))
        assert [(one.start, one.end) for one in texts(source)] == expected, file
        assert len(masked(source)) == len(source)


def test_a_file_of_a_later_python_still_tells_what_it_imports(tree):
    project = Project(tree({"a.py": f"import x\n{TRY}except A, B:\n    raise\n", "b.py": "import y\n", "c.py": "x ="}))
    names = [alias.name for node in project.tree("a.py").body if isinstance(node, ast.Import) for alias in node.names]
    assert names == ["x"]
    assert project.tree("b.py")
    assert project.newer("b.py") is None
    with pytest.raises(SyntaxError):
        project.tree("c.py")
