"""A requirement that a fix declares, in every kind of dependency file: nothing else moves, and it is read again."""

# A case is a line, however long: the table is read downwards.
# ruff: noqa: E501
from __future__ import annotations

import difflib

import pytest

from pytest_asyncdb.facts.declared import declared
from pytest_asyncdb.fixes import apply
from pytest_asyncdb.model.fix import AddRequirement, Fix
from pytest_asyncdb.rewrite.requirements import UnsupportedFileError
from pytest_asyncdb.sources.project import Project

NEW = "sqlalchemy[asyncio]>=2.0"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "text", "most_removed"),
    [
        ("requirements.txt", "# web\nfastapi>=0.1  # x\n", 0),
        ("requirements.txt", "-r base.txt\nuvicorn \\\n    >=0.3\n\n", 0),
        ("requirements/prod.txt", "fastapi", 1),
        ("requirements.in", "", 0),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = [\n    "fastapi>=0.1",  # web\n    "ü",\n]\n[tool.x]\na = 1\n', 0),
        ("pyproject.toml", "[project]\ndependencies = ['fastapi', 'b']\n", 1),
        ("pyproject.toml", '[project]\ndependencies = []\nname = "x"\n', 1),
        ("pyproject.toml", '[project]\nname = "x"  # y\nversion = "1"\n\n[tool.x]\na = 1\n', 0),
        ("pyproject.toml", '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "^3.11"\nfastapi = "*"\n[tool.poetry.group.dev.dependencies]\na = "1"\n', 0),
        ("Pipfile", '[packages]\nfastapi = "*"\n\n[dev-packages]\npytest = "*"\n', 0),
        ("setup.cfg", "[options]\ninstall_requires =\n    fastapi\n    b>=1  # c\npackages = find:\n", 0),
        ("setup.py", "from setuptools import setup\nsetup(\n    install_requires=[\n        'fastapi',\n        'b',  # ü\n    ],\n)\n", 1),
        ("setup.py", 'from setuptools import setup\nNEEDED = ["fastapi", "b"]\nsetup(install_requires=NEEDED)\n', 1),
        ("environment.yml", "name: x\ndependencies:\n  - python=3.12\n  - pip\n  - pip:\n      - fastapi>=0.1  # web\n      - b\n  - curl\n", 0),
    ],
)  # fmt: skip
def test_it_is_added_in_the_files_own_style_and_read_again(tmp_path, name, text, most_removed, newline):
    text, newline = text.replace("\n", newline), newline if "\n" in text else "\n"
    target = tmp_path / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(text.encode())
    before = {one.name: one.specifier for one in declared(Project(tmp_path), None).requirements}
    fix = Fix("Declare it", (AddRequirement(name, NEW),), safe=True)
    [new] = apply([fix], lambda _: text).values()
    target.write_bytes(new.encode())

    after = declared(Project(tmp_path), None)

    added = after.production("sqlalchemy")
    assert (added.extras, added.specifier) == (("asyncio",), ">=2.0")
    assert {one.name: one.specifier for one in after.requirements} == {**before, "sqlalchemy": ">=2.0"}
    assert newline not in text or new.count("\n") == new.count(newline)
    changes = [line[0] for line in difflib.ndiff(text.split(newline), new.split(newline)) if line[0] in "+-"]
    assert changes.count("-") <= most_removed
    assert changes.count("+") <= most_removed + 1 + (not text.endswith(newline))


def test_without_a_part_for_pip_a_plain_requirement_joins_the_packages_of_conda(tmp_path):
    text = "dependencies:\n- python\n- fastapi\n"
    (tmp_path / "environment.yml").write_text(text)
    fix = Fix("Declare it", (AddRequirement("environment.yml", "asyncpg>=0.29.0"),), safe=True)
    assert apply([fix], lambda _: text) == {"environment.yml": f"{text}- asyncpg>=0.29.0\n"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "a==1 \\\n    --hash=sha256:1\n"),
        ("pyproject.toml", "[project]\nname = 'x'\ndynamic = ['dependencies']\n"),
        ("pyproject.toml", "[tool.black]\n"),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=read())\n"),
        ("setup.cfg", "[options]\ninstall_requires = a\n"),
        ("environment.yml", "dependencies:\n  - python\n"),
        ("environment.yml", "channels: []\n"),
        ("uv.lock", "version = 1\n"),
    ],
)
def test_what_cannot_be_edited_without_guessing_says_what_to_do(name, text):
    fix = Fix("Declare it", (AddRequirement(name, NEW),), safe=True)
    with pytest.raises(UnsupportedFileError, match=r"add 'sqlalchemy\[asyncio\]>=2\.0' "):
        apply([fix], lambda _: text)
