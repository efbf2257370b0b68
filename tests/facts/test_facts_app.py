from __future__ import annotations

import pytest

from pytest_asyncdb.facts.app import find_app
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


RELATIVE = "from .api import x\n" + FASTAPI
PACKAGE = {"__init__.py": "", "main.py": RELATIVE, "api.py": "x = 1"}


@pytest.mark.parametrize(
    ("files", "above"),
    [
        (PACKAGE, "project.main:app"),
        ({"main.py": RELATIVE, "api.py": "x = 1"}, ""),
        ({**PACKAGE, "Dockerfile": "CMD fastapi run main.py\n"}, "project.main:app"),
        ({**PACKAGE, "Dockerfile": "CMD uvicorn main:app\n"}, ""),
        ({**PACKAGE, "main.py": f"import uvicorn\n{RELATIVE}uvicorn.run('main:app')\n"}, "project.main:app"),
        ({"__init__.py": "", "src/main.py": "from api import x\n" + FASTAPI, "src/api.py": "x = 1"}, ""),
        ({"__init__.py": "", "app/main.py": "from ..x import y\n" + FASTAPI, "x.py": ""}, "project.app.main:app"),
    ],
    ids=["package", "none", "by its file", "by its name", "by itself", "from below", "two dots"],
)
def test_a_project_that_is_a_package_has_a_name_for_its_app_in_the_folder_above(project, files, above):
    assert found(project, files).above == above
