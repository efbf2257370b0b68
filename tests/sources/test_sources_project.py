from __future__ import annotations

import ast

import pytest

from pytest_asyncdb.sources.leftout import told
from pytest_asyncdb.sources.project import Project

APP = "app/main.py"
SECRET = "k7Qz9wXv3"


def plain(files):
    return dict.fromkeys(files, "")


@pytest.mark.parametrize(
    "skipped",
    [
        "node_modules/x/a.py",
        ".venv/lib/python3.12/site-packages/a.py",
        "app/__pycache__/a.pyc",
        ".tox/py/a.py",
        ".mypy_cache/a.json",
    ],
)
def test_leaves_out_by_name(tree, skipped):
    assert Project(tree(plain([APP, skipped]))).files == (APP,)


@pytest.mark.parametrize(
    "inside",
    [
        ["myenv/pyvenv.cfg", "myenv/bin/a.py"],
        ["env/Lib/site-packages/b.py", "env/Scripts/activate"],
        ["tools/old/lib/python3.8/site-packages/b.py", "tools/old/bin/a.py"],
        ["e/bin/activate", "e/bin/activate.fish", "e/lib/python3.8/os.py"],
        ["conda/conda-meta/history", "conda/lib/python3.12/os.py"],
    ],
)
@pytest.mark.parametrize("committed", [True, False])
def test_leaves_out_virtualenvs_of_any_name(tree, git, inside, committed):
    root = tree(plain([APP, *inside]))
    if committed:
        git(root, "init")
        git(root, "add", "-f", ".")
    project = Project(root)
    assert [path for path in project.files if path.endswith((".py", "activate"))] == [APP]
    [line] = told(project.left_out)
    assert line.startswith(f"left out: virtual environments: {inside[0].split('/')[0]}/")


@pytest.mark.parametrize("committed", [True, False])
def test_a_project_that_is_a_virtualenv_itself_is_read(tree, git, committed):
    root = tree(plain([APP, "pyvenv.cfg", "bin/activate", "bin/python", "lib/python3.12/site-packages/a.py"]))
    if committed:
        git(root, "init")
        git(root, "add", "-f", ".")
    assert Project(root).python_files == (APP,)


def test_what_is_left_out_is_told_by_kind(tree):
    files = [
        APP,
        "a/node_modules/x/1.js",
        "b/node_modules/y/1.js",
        ".tox/py/a.py",
        "build/lib/app/main.py",
        "shop.egg-info/PKG-INFO",
        "app/_vendor/six.py",
        "vendor/github.com/x.py",
        "third_party/x.py",
        "app/vendor/__init__.py",
        "app/vendor/models.py",
        ".claude/skills/x.py",
        "app/templates/project/main.py",
        "app/templates/project/README.md",
    ]
    project = Project(tree({**plain(files), "app/big.py": "x = 1\n" * 200_000, "app/blob.txt": b"\x89PNG\0\xff"}))
    assert project.python_files == ("app/big.py", APP, "app/vendor/__init__.py", "app/vendor/models.py")
    assert project.templates == ("app/templates/project/main.py",)
    assert project.text("app/big.py") == project.text("app/blob.txt") == ""
    assert not project.is_text("app/blob.txt")
    assert told(project.left_out) == (
        "left out: caches and build outputs: .tox/, build/lib/, shop.egg-info/",
        "left out: installed packages: a/node_modules/, b/node_modules/",
        "left out: folders of editors, agents and other tools: .claude/",
        "left out: templates of other projects (valid Python in them is judged): app/templates/ (2 files)",
        "left out: vendored packages: app/_vendor/, third_party/, vendor/",
        "left out: files larger than 1 MB: app/big.py",
        "left out: files that are no text: app/blob.txt",
    )


def test_of_many_folders_the_largest_are_named(tree):
    files = [f"p{number}/node_modules/x{file}.js" for number in range(7) for file in range(number + 1)]
    root = tree(plain(files))
    assert told(Project(root).left_out)[0].endswith(" and 3 more")


@pytest.mark.parametrize(
    ("path", "is_source"),
    [
        ("app/templates/mail/welcome.py", False),
        ("{{cookiecutter.name}}/main.py", False),
        (".claude/skills/example.py", False),
        (".agents/examples/app.py", False),
        (".devcontainer/compose.yml", True),
        ("src/service/a.py", True),
    ],
)
def test_foreign_folders_are_files_but_no_sources(tree, path, is_source):
    project = Project(tree(plain([APP, path])))
    assert path in project.files
    assert (path in project.sources) is is_source


def test_a_package_called_templates_is_a_source(tree):
    project = Project(tree(plain([APP, "app/templates/__init__.py", "app/templates/service.py"])))
    assert "app/templates/service.py" in project.python_files


def test_git_decides_and_ignored_env_files_are_in(tree, git):
    root = tree(
        {
            APP: "",
            ".gitignore": ".env*\nbuild/\ndata.txt\n",
            ".env": "A=1",
            "app/.env.local": "B=1",
            "build/x.py": "",
            "data.txt": "",
        }
    )
    git(root, "init")
    git(root, "add", ".gitignore", APP)
    (root / "new.py").write_text("")
    project = Project(root)
    assert project.files == (".env", ".gitignore", "app/.env.local", APP, "new.py")
    assert project.env_files == (".env", "app/.env.local")
    assert project.tracked(APP)
    assert not project.tracked(".env")
    assert not project.tracked("new.py")


def test_deleted_files_are_gone(tree, git):
    root = tree(plain([APP, "gone.py"]))
    git(root, "init")
    git(root, "add", ".")
    (root / "gone.py").unlink()
    assert Project(root).files == (APP,)


def test_a_folder_of_a_repository_is_a_project(tree, git):
    root = tree(plain(["backend/app.py", "frontend/x.py", "README.md"]))
    git(root, "init")
    git(root, "add", ".")
    project = Project(root / "backend")
    assert project.files == ("app.py",)
    assert project.tracked("app.py")


def test_huge_and_unreadable_files_read_as_nothing(tree):
    root = tree({"big.py": "x = 1\n" * 200_000, "dangling.py": ""})
    (root / "dangling.py").unlink()
    (root / "dangling.py").symlink_to(root / "nowhere")
    project = Project(root)
    assert project.text("big.py") == project.text("dangling.py") == project.text("nothing.py") == ""
    assert project.data("big.py") is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".env", f"DATABASE_URL=postgresql://me:{SECRET}@db.example.org/app\n"),
        (".env.production", f"DB_PASSWORD={SECRET}\n"),
        ("app/db.py", f'URL = "postgresql+asyncpg://me:{SECRET}@db/app"\n'),
        ("app/db.py", f'connect(host="db", password="{SECRET}")\n'),
        ("app/db.py", f'ARGS = {{"password": "{SECRET}", "ssl": True}}\n'),
        ("alembic.ini", f"sqlalchemy.url = postgresql://me:{SECRET}@db/app\n"),
        ("compose.yaml", f"services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: {SECRET}\n"),
        ("docker-compose.yml", f"environment:\n  - DATABASE_URL=postgres://me:{SECRET}@db/app\n"),
        ("README.md", f"Use `postgresql://me:{SECRET}@db/app`\n"),
        ("templates/full/db.py", f'URL = "postgresql+asyncpg://me:{SECRET}@db/app"\n'),
    ],
)
def test_finds_secrets(tree, path, text):
    project = Project(tree({path: text.encode("utf-16")}))
    assert SECRET in project.secrets
    project = Project(tree({path: text}))
    assert SECRET in project.secrets
    assert SECRET not in project.redactor.text(text)
    assert SECRET not in repr(project)


def test_secrets_of_the_environment_and_of_enclosing_folders(tree, monkeypatch):
    monkeypatch.setenv("APP_DB_PASSWORD", "fromEnv1ronment")
    root = tree({".env": "API_TOKEN=ab0ve-the-pr0ject\n", ".git/HEAD": "", "backend/main.py": ""})
    assert {"fromEnv1ronment", "ab0ve-the-pr0ject"} <= set(Project(root / "backend").secrets)


@pytest.mark.parametrize(
    "text",
    [
        "SECRET_KEY=changeme\nDATABASE_URL=postgresql://postgres:postgres@localhost/postgres\n",
        "DB_PASSWORD=${DB_PASSWORD}\nTOKEN_URL=/auth/token\n",
    ],
)
def test_placeholders_are_no_secrets(tree, text):
    before = set(Project(tree({})).secrets)
    assert set(Project(tree({".env": text})).secrets) == before


def test_ordinary_strings_of_code_are_no_secrets(tree):
    before = set(Project(tree({})).secrets)
    code = 'token = "created_at"\ntokenUrl="auth/login"\npassword = "wrong password 1"\nkey = "user_name1"\n'
    assert set(Project(tree({"a.py": code})).secrets) == before


def test_a_file_is_parsed_again_where_another_thread_was_in_the_way(tree, monkeypatch):
    errors = [SystemError("AST constructor recursion depth mismatch (before=18, after=8)")]
    parse = ast.parse

    def disturbed(text):
        if errors:
            raise errors.pop()
        return parse(text)

    monkeypatch.setattr(ast, "parse", disturbed)
    (found,) = Project(tree({"db.py": "x = 1\n"})).tree("db.py").body
    assert isinstance(found, ast.Assign)
