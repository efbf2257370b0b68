from __future__ import annotations

# ruff: noqa: E501 - a case is a line, however long
import pytest

from pytest_asyncdb.facts.app import AppNotFoundError, NoAppError, find_app, find_apps
from pytest_asyncdb.model.settings import Settings

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FACTORY = "from fastapi import FastAPI\ndef create_app():\n    app = FastAPI()\n    return app\n"


def found(project, files, **settings):
    made = project(files)
    return find_app(made, Settings(made.root, **settings))


@pytest.mark.parametrize(
    ("files", "target", "import_root", "cwd"),
    [
        ({"main.py": FASTAPI}, "main:app", ".", "."),
        ({"src/main.py": "from src.api import x\n" + FASTAPI, "src/api.py": "x=1"}, "src.main:app", ".", "."),
        ({"src/main.py": "from .api import x\n" + FASTAPI, "src/api.py": "x=1"}, "src.main:app", ".", "."),
        ({"src/main.py": "from api import x\n" + FASTAPI, "src/api.py": "x=1", ".env": ""}, "main:app", "src", "."),
        (
            {"backend/src/main.py": "from src.api import x\n" + FASTAPI, "backend/src/api.py": "", "backend/.env": ""},
            "src.main:app",
            "backend",
            "backend",
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/asgi.py": "from shop import x\n" + FASTAPI, "pyproject.toml": ""},
            "shop.asgi:app",
            "src",
            ".",
        ),
        ({"app/core/server.py": "from ..x import y\n" + FASTAPI, "app/x.py": ""}, "app.core.server:app", ".", "."),
        ({"app/__init__.py": FASTAPI}, "app:app", ".", "."),
        (
            {"app/main.py": FASTAPI, "app/__init__.py": "", "alembic/env.py": "import alembic"},
            "app.main:app",
            ".",
            ".",
        ),
    ],
)
def test_finds_app_and_where_it_is_imported_from(project, files, target, import_root, cwd):
    app = found(project, files)
    assert (app.target, app.import_root, app.cwd, app.framework) == (target, import_root, cwd, "fastapi")
    assert not app.factory


TWO = {"a/main.py": FASTAPI, "b/main.py": FASTAPI, "b/__init__.py": "", "a/__init__.py": ""}


@pytest.mark.parametrize(
    ("name", "text", "found_in"),
    [
        ("pyproject.toml", '[tool.fastapi]\nentrypoint = "b.main:app"\n', "pyproject.toml:2"),
        ("Procfile", "web: uvicorn b.main:app --port $PORT\n", "Procfile:1"),
        ("Dockerfile", 'FROM x\nCMD ["uvicorn", "b.main:app", "--host", "0.0.0.0"]\n', "Dockerfile:2"),
        ("Dockerfile", "CMD python -m uvicorn --reload \\\n  b.main:app\n", "Dockerfile:1"),
        (
            "docker/prod.Dockerfile",
            "CMD gunicorn -k uvicorn.workers.UvicornWorker b.main:app\n",
            "docker/prod.Dockerfile:1",
        ),
        ("docker-compose.yml", "services:\n  web:\n    command: fastapi run b/main.py\n", "docker-compose.yml:3"),
        ("compose.yaml", "services:\n  w:\n    command: [hypercorn, 'b.main:app']\n", "compose.yaml:3"),
        ("Makefile", "run:\n\tcd b && uvicorn main:app\n", "Makefile:2"),
        ("scripts/start.sh", "exec granian --interface asgi b.main:app\n", "scripts/start.sh:1"),
        ("run.py", 'import uvicorn\nuvicorn.run(\n    "b.main:app", reload=True)\n', "run.py:2"),
        (".vscode/launch.json", '{"args": ["uvicorn", "b.main:app"]}\n', ".vscode/launch.json:1"),
        ("tests/test_api.py", "from b.main import app\n", "b/main.py:2"),
    ],
)
def test_reads_the_app_off_what_starts_it(project, name, text, found_in):
    app = found(project, {**TWO, name: text})
    assert (app.module_path, app.found_in) == ("b/main.py", found_in)
    if name != "Makefile":
        assert app.target == "b.main:app"
        assert "a.main:app" in app.others or name.startswith("tests")


@pytest.mark.parametrize(
    ("command", "factory"),
    [
        ("uvicorn --factory app.main:create_app", True),
        ("gunicorn 'app.main:create_app()'", True),
        ("uvicorn app.main:api", False),
    ],
)
def test_factories_of_commands(project, command, factory):
    app = found(project, {"app/main.py": FACTORY + "api = create_app()\n", "Procfile": f"web: {command}\n"})
    assert app.factory is factory
    assert app.found_in == "Procfile:1"


@pytest.mark.parametrize(
    ("files", "target", "factory", "framework"),
    [
        ({"app/factory.py": FACTORY, "app/__init__.py": ""}, "app.factory:create_app", True, "fastapi"),
        (
            {"app/factory.py": FACTORY, "app/asgi.py": "from app.factory import create_app\napp = create_app()\n"},
            "app.asgi:app",
            False,
            "fastapi",
        ),
        (
            {"app.py": "from litestar import Litestar\nasync def x(): ...\napp = Litestar([x])\n"},
            "app:app",
            False,
            "litestar",
        ),
        (
            {"web.py": "import starlette.applications as s\napp: s.Starlette = s.Starlette()\n"},
            "web:app",
            False,
            "starlette",
        ),
        ({"srv.py": "from quart import Quart as Q\nif True:\n    app = Q(__name__)\n"}, "srv:app", False, "quart"),
        (
            {
                "config.py": "from sanic import Sanic\napp = Sanic('x')\n",
                "server.py": "from config import *\nif __name__ == '__main__':\n    app.run()\n",
            },
            "server:app",
            False,
            "sanic",
        ),
        (
            {"main.py": "from fastapi import FastAPI\nadmin = FastAPI()\nsite = FastAPI()\nsite.mount('/a', admin)\n"},
            "main:site",
            False,
            "fastapi",
        ),
        (
            {"main.py": "from fastapi import FastAPI\nclass Api(FastAPI): ...\napp = Api()\n"},
            "main:app",
            False,
            "fastapi",
        ),
        (
            {"main.py": "import (\nfrom fastapi import FastAPI\napp = FastAPI(title='x')\n"},
            "main:app",
            False,
            "fastapi",
        ),
    ],
)
def test_scans_modules(project, files, target, factory, framework):
    app = found(project, files)
    assert (app.target, app.factory, app.framework) == (target, factory, framework)


@pytest.mark.parametrize(
    "aside",
    [
        "tests/main.py",
        "examples/app/main.py",
        ".claude/main.py",
        "docs/main.py",
        "{{cookiecutter.x}}/main.py",
        "app/templates/project/main.py",
        "node_modules/x/main.py",
        "conftest.py",
    ],
)
def test_tests_examples_and_vendored_copies_never_win(project, aside):
    app = found(project, {"zz/deep/down/service.py": FASTAPI, aside: FASTAPI})
    assert app.module_path == "zz/deep/down/service.py"


@pytest.mark.parametrize(
    ("setting", "target", "factory"),
    [
        ("app.factory:create_app", "app.factory:create_app", True),
        ("app.factory:create_app()", "app.factory:create_app", True),
        ("b.main:app", "b.main:app", False),
        ("b.main", "b.main:app", False),
        ("tests.helper:app", "tests.helper:app", False),
        ("broken:anything", "broken:anything", False),
    ],
)
def test_what_the_user_names_wins(project, setting, target, factory):
    files = {
        **TWO,
        "app/factory.py": FACTORY,
        "tests/helper.py": FASTAPI,
        "broken.py": "def (",
        "Procfile": "uvicorn a.main:app",
    }
    app = found(project, files, app=setting)
    assert (app.target, app.factory, app.found_in) == (target, factory, "asyncdb_app")


API = "from fastapi import FastAPI\napi = FastAPI()\n"
OTHER = {"shop/__init__.py": "", "shop/aaa.py": FASTAPI, "shop/main.py": FASTAPI}


@pytest.mark.parametrize(
    ("files", "target", "found_in"),
    [
        ({"run.py": "import uvicorn\nfrom shop.web import api\nuvicorn.run(api)\n"}, "shop.web:api", "run.py:3"),
        (
            {"shop/__main__.py": "import uvicorn\nfrom shop.web import api\nif 1:\n    uvicorn.run(api)\n"},
            "shop.web:api",
            "shop/__main__.py:4",
        ),
        (
            {"shop/cli.py": "def serve():\n    from shop.make import create_app\n    uvicorn.run(create_app())\n"},
            "shop.make:create_app",
            "shop/cli.py:3",
        ),
        (
            {
                "pyproject.toml": "[project.scripts]\nshop = 'shop.deep.cli:main'\n",
                "shop/deep/cli.py": "import uvicorn\ndef main():\n    uvicorn.run('shop.web:api')\n",
                "aaa.py": "import uvicorn\nuvicorn.run('shop.main:app')\n",
            },
            "shop.web:api",
            "shop/deep/cli.py:3",
        ),
        (
            {"serve.py": "import uvicorn\nuvicorn.Server(uvicorn.Config('shop.web:api'))\n"},
            "shop.web:api",
            "serve.py:2",
        ),
        (
            {
                "docker/Dockerfile": 'FROM x\nCOPY docker/launch /srv/\nCMD ["/srv/launch"]\n',
                "docker/launch": "#!/bin/sh\nexec gunicorn shop.web:api\n",
            },
            "shop.web:api",
            "docker/launch:2",
        ),
        (
            {"Dockerfile": "FROM x AS dev\nCMD uvicorn shop.main:app\nFROM x\nCMD uvicorn shop.web:api\n"},
            "shop.web:api",
            "Dockerfile:4",
        ),
        (
            {"Dockerfile": "FROM x\nENV MODULE_NAME=shop.web\nENV VARIABLE_NAME=api\n# gunicorn\n"},
            "shop.web:api",
            "Dockerfile:2",
        ),
        ({"start.sh": 'APP=${APP:-shop.web:api}\nexec uvicorn "$APP"\n'}, "shop.web:api", "start.sh:1"),
        ({"gunicorn.conf.py": "wsgi_app = 'shop.web:api'\n"}, "shop.web:api", "gunicorn.conf.py:1"),
        # What a factory calls its app is no app of the module: this command is a thing of the past.
        (
            {"Dockerfile": "FROM x\nCMD uvicorn shop.make:app\nCMD uvicorn shop.web:api\n"},
            "shop.web:api",
            "Dockerfile:3",
        ),
        # Started in the package's own folder, with the folder above it on PYTHONPATH.
        (
            {"shop/run.py": "import uvicorn\nimport shop.web\nuvicorn.run('run:app')\napp = shop.web.api\n"},
            "shop.run:app",
            "shop/run.py:3",
        ),
    ],
)
def test_what_starts_the_app_in_less_usual_ways(project, files, target, found_in):
    app = found(project, {**OTHER, "shop/web.py": API, "shop/make.py": FACTORY, **files})
    assert (app.target, app.found_in, app.import_root) == (target, found_in, ".")


def test_a_containers_working_directory_tells_services_of_one_name_apart(project):
    files = {"docker/pay.Dockerfile": "WORKDIR /srv/services/pay\nCMD uvicorn main:app\n"}
    app = found(
        project, {**files, "services/main.py": "", "services/aaa/main.py": FASTAPI, "services/pay/main.py": FASTAPI}
    )
    assert (app.module_path, app.import_root) == ("services/pay/main.py", "services/pay")


SERVED = {"src/shop/web.py": "import shop.db\n" + API, "src/shop/db.py": "", "pyproject.toml": "", "src/conf/x.py": ""}


@pytest.mark.parametrize(
    ("files", "cwd"),
    [
        ({"Dockerfile": "FROM x\nWORKDIR /app/src\nCOPY . /app\nCMD uvicorn shop.web:api\n"}, "src"),
        (
            {"Dockerfile": "FROM x\nWORKDIR /app\nWORKDIR src\nCOPY --chown=me:me . ..\nCMD uvicorn shop.web:api\n"},
            "src",
        ),
        ({"Dockerfile": 'FROM x\nCOPY ["src/shop", "/srv/shop"]\nWORKDIR /srv\nCMD uvicorn shop.web:api\n'}, "src"),
        (
            {
                "docker/Dockerfile": "FROM x AS b\nWORKDIR /b\nFROM x\nWORKDIR /app\nCOPY src .\nCMD uvicorn shop.web:api\n"
            },
            "src",
        ),
        ({"Dockerfile": "FROM x\nWORKDIR /app\nCOPY --from=b /x /app\nCMD uvicorn shop.web:api\n"}, "."),
        ({"Dockerfile": "FROM x\nWORKDIR /app/src\nCOPY . /app\nCMD cd .. && uvicorn shop.web:api\n"}, "."),
        ({"Dockerfile": "FROM x\nWORKDIR /app/src/conf\nCOPY . /app\nCMD uvicorn shop.web:api\n"}, "."),
        (
            {
                "compose.yml": "services:\n  db:\n    working_dir: /x\n  web:\n    volumes:\n      - ./:/code\n"
                "    working_dir: /code/src\n    command: uvicorn shop.web:api\n  more:\n    working_dir: /y\n"
            },
            "src",
        ),
        (
            {
                "compose.yml": "services:\n  web:\n    build:\n      context: .\n      dockerfile: web.Dockerfile\n"
                "    command: uvicorn shop.web:api\n",
                "web.Dockerfile": "FROM x\nWORKDIR /app/src\nCOPY . /app\n",
            },
            "src",
        ),
        ({"compose.yml": "services:\n  web:\n    image: x\n    command: uvicorn shop.web:api\n"}, "."),
    ],
)
def test_a_container_tells_where_its_app_is_started(project, files, cwd):
    app = found(project, {**SERVED, **files})
    assert (app.target, app.import_root, app.cwd) == ("shop.web:api", "src", cwd)


def test_what_is_started_for_tests_alone_is_not_the_app(project):
    files = {
        "tests/acceptance/app.py": FASTAPI,
        "docker-compose.test.yml": "services:\n  api:\n    command: uvicorn tests.acceptance.app:app\n",
        "Makefile": "accept:\n\tuvicorn tests.acceptance.app:app\n",
    }
    with pytest.raises(NoAppError):
        found(project, files)
    assert found(project, {**files, "shop/web.py": API, "shop/__init__.py": ""}).target == "shop.web:api"


def test_the_users_working_directory_wins(project):
    made = project({"api/main.py": FASTAPI, "run/x.txt": ""})
    assert find_app(made, Settings(made.root, cwd=made.root / "run")).cwd == "run"


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("no.such:app", ["asyncdb_app", "'no.such:app'", "no/such.py", "`main:app`"]),
        ("main:nothing", ["asyncdb_app", "main.py defines no `nothing`", "`main:app`"]),
        ("main app", ["asyncdb_app", "`module:attribute`"]),
    ],
)
def test_says_what_is_wrong_with_what_the_user_named(project, setting, parts):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    for part in parts:
        assert part in str(caught.value)


def test_says_what_was_looked_for(project):
    with pytest.raises(AppNotFoundError) as caught:
        found(project, {"tests/main.py": FASTAPI, "lib.py": "x = 1"})
    message = str(caught.value)
    for part in (
        "[tool.fastapi]",
        "uvicorn",
        "Dockerfile",
        "create_app()",
        "2 Python files",
        "asyncdb_app",
        "--asyncdb-app",
    ):
        assert part in message


@pytest.mark.parametrize("setting", ["none", " None "])
def test_a_project_can_say_that_it_has_no_app(project, setting):
    with pytest.raises(NoAppError, match="asyncdb_app") as caught:
        found(project, {"main.py": FASTAPI}, app=setting)
    assert caught.value.declared


SHOP = {
    "shop/main.py": "import db\n" + FASTAPI,
    "shop/db.py": "x = 'sqlalchemy'\n",
    "shop/requirements.txt": "sqlalchemy",
}
PAY = {"pay/main.py": FASTAPI, "pay/pyproject.toml": '[project]\ndependencies = ["asyncpg"]\n'}


@pytest.mark.parametrize(
    ("more", "apps"),
    [
        ({}, [("main:app", "shop", "shop"), ("main:app", "pay", "pay")]),
        (
            {"shop/requirements.txt": "", "shop/requirements/requirements.txt": "sqlalchemy\n"},
            [("main:app", "shop", "shop"), ("main:app", "pay", "pay")],
        ),
        ({"shop/Dockerfile": "CMD uvicorn main:app\n"}, [("main:app", "shop", "shop"), ("main:app", "pay", "pay")]),
        ({"pay/pyproject.toml": "[project]\n"}, [("main:app", "shop", "shop")]),
        ({"pay/main.py": SHOP["shop/main.py"], "pay/db.py": SHOP["shop/db.py"]}, [("main:app", "pay", "pay")]),
        ({"old/shop/examples/main.py": FASTAPI, "old/shop/examples/requirements.txt": "sqlalchemy"}, 2),
        ({"main.py": FASTAPI + "# sqlmodel\n", "requirements.txt": "sqlmodel"}, 3),
        ({"core/main.py": FASTAPI + "# sqlmodel\n"}, 3),
    ],
)
def test_each_service_with_a_database_has_its_app(project, more, apps):
    made = project({**SHOP, **PAY, **more})
    told = find_apps(made, Settings(made.root))
    if isinstance(apps, int):
        assert len({one.folder for one in told}) == len(told) == apps
    else:
        assert sorted((one.target, one.import_root, one.folder) for one in told) == sorted(apps)
        assert told[0].module_path == find_app(made, Settings(made.root)).module_path
        left_out = {"shop/main.py:app", "pay/main.py:app"} - {f"{one.module_path}:app" for one in told}
        assert left_out <= set(told[0].others)


@pytest.mark.parametrize(
    ("files", "targets"),
    [
        (
            {"Procfile": "web: uvicorn shop.web:app\nadmin: uvicorn shop.admin:app\n"},
            ["shop.web:app", "shop.admin:app"],
        ),
        (
            {"web.Dockerfile": "CMD uvicorn shop.web:app\n", "admin.Dockerfile": "CMD uvicorn shop.admin:app\n"},
            ["shop.admin:app", "shop.web:app"],
        ),
        (
            {
                "Procfile": "web: uvicorn shop.web:app\n",
                "shop/__main__.py": "import uvicorn\nuvicorn.run('shop.admin:app')\n",
            },
            ["shop.web:app"],
        ),
        (
            {"Procfile": "web: uvicorn shop.web:app\n", "start.sh": "uvicorn shop.web:create_app --factory\n"},
            ["shop.web:app"],
        ),
        (
            {
                "Procfile": "web: uvicorn shop.web:app\nadmin: uvicorn shop.admin:app\n",
                "shop/web.py": "from shop import admin\n" + FASTAPI,
            },
            ["shop.web:app"],
        ),
    ],
)
def test_apps_that_are_started_side_by_side_are_each_checked(project, files, targets):
    both = {"shop/__init__.py": "", "shop/web.py": FASTAPI + FACTORY, "shop/admin.py": FASTAPI, **files}
    made = project(both)
    apps = find_apps(made, Settings(made.root))
    assert [one.target for one in apps] == targets
    assert not any(set(one.others) & set(targets) for one in apps)


def test_several_apps_can_be_named_by_module_or_path(project):
    made = project({**SHOP, **PAY, "shop/admin.py": FACTORY})
    told = find_apps(made, Settings(made.root, app="pay/main.py:app, admin:create_app\nshop/main.py"))
    assert [(one.module_path, one.import_root, one.factory) for one in told] == [
        ("pay/main.py", "pay", False),
        ("shop/admin.py", "shop", True),
        ("shop/main.py", "shop", False),
    ]


def test_comments_and_missing_modules_start_nothing(project):
    files = {
        "main.py": FASTAPI,
        "Procfile": "# web: uvicorn other:app\nweb: uvicorn missing.module:app\n",
        "other.py": FASTAPI,
    }
    assert found(project, files).target == "main:app"


def test_app_of_a_factory_elsewhere_that_takes_arguments(project):
    files = {
        "src/main.py": "from src.setup import create_application\n# makes the FastAPI app\n"
        "app = create_application(router=1)\n",
        "src/setup.py": "from fastapi import FastAPI\ndef create_application(router):\n    return FastAPI()\n",
    }
    assert found(project, files).target == "src.main:app"
