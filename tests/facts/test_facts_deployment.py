"""What the files of a deployment say about the database."""

from __future__ import annotations

import pytest

COMPOSE = """services:
  store:
    image: "docker.io/library/postgres:17-alpine"
    environment:
      POSTGRES_DB: shop
  cache:
    image: redis:7
  web:
    build: .
    environment:
      SHOP_DATABASE_URL: postgresql://u:change-me@store/shop
"""


def test_databases_of_compose_files(facts):
    [found] = facts({"docker-compose.yml": COMPOSE, "main.py": ""}).compose_databases
    assert (found.service, str(found.place), found.tls) == ("store", "docker-compose.yml:3:5", False)


def test_a_database_with_a_certificate(facts):
    text = COMPOSE.replace(
        "    environment:\n      POSTGRES_DB", "    command: -c ssl=on\n    environment:\n      POSTGRES_DB"
    )
    [found] = facts({"compose.yaml": text, "main.py": ""}).compose_databases
    assert found.tls


@pytest.mark.parametrize(
    ("code", "unread"),
    [
        ("URL = 'postgresql://h/d'", True),
        ("SHOP_DATABASE_URL = 'postgresql://h/d'", True),
        ("import os\nURL = os.environ['SHOP_DATABASE_URL']", False),
        ("class Settings(BaseSettings):\n    shop_database_url: str", False),
        ("class Settings(BaseSettings, env_prefix='SHOP_'):\n    database_url: str", False),
        ("from dynaconf import settings\nURL = settings.DATABASE_URL", False),
    ],
)
def test_variables_that_nothing_reads(facts, code, unread):
    found = facts({"docker-compose.yml": COMPOSE, "main.py": code + "\n"}).unread_variables
    assert [one.key for one in found] == ["SHOP_DATABASE_URL"] * unread


def test_a_dockerfile_passes_variables_and_a_configuration_file_reads_them(facts):
    files = {"Dockerfile": 'FROM python\nENV DB_URL="postgresql://u:change-me@h/d"\n', "main.py": ""}
    [found] = facts(files).unread_variables
    assert (found.kind, found.key, found.host, found.span.line) == ("docker", "DB_URL", "h", 2)
    assert facts({**files, "settings.toml": "url = '${DB_URL}'\n"}).unread_variables == ()
