from __future__ import annotations

# ruff: noqa: E501 - a case is a line, however long
import pytest

from pytest_asyncdb.facts.app import NoAppError, find_app, find_apps
from pytest_asyncdb.model.settings import Settings

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FACTORY = "from fastapi import FastAPI\ndef create_app():\n    app = FastAPI()\n    return app\n"


def found(project, files, **settings):
    made = project(files)
    return find_app(made, Settings(made.root, **settings))


API = "from fastapi import FastAPI\napi = FastAPI()\n"


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
