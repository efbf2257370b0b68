"""What a program gets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from pytest_asyncdb.report.json_ import SCHEMA, render

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_broken_and_a_healthy_run_follow_the_published_schema(validator, broken, healthy):
    for result in (broken, healthy, replace(healthy, server=None, app=None, criteria=(), checks=())):
        validator.validate(json.loads(render(result)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "pytest-asyncdb/2"),
        (("findings", 0, "severity"), "error"),
        (("findings", 0, "path"), "/home/me/project/.env"),
        (("findings", 0, "line"), -1),
        (("findings", 0, "fixes", 0, "proof"), "yes"),
        (("criteria", 0, "verdict"), "failed"),
        (("checks", 0, "id"), "CRITICAL-001"),
        (("server", "seconds"), "0.1"),
    ],
)
def test_the_schema_is_strict_enough_to_refuse(validator, broken, path, value):
    document = json.loads(render(broken))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert not validator.is_valid(document)


def test_the_schema_names_every_key_that_is_written(broken):
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    document = json.loads(render(broken))
    assert document["schema"] == SCHEMA
    assert set(document) == set(schema["properties"])
    for name, one in (
        ("finding", document["findings"][0]),
        ("fix", document["findings"][0]["fixes"][0]),
        ("criterion", document["criteria"][0]),
        ("check", document["checks"][0]),
    ):
        assert set(one) == set(schema["$defs"][name]["properties"]), name


def test_everything_about_a_finding_is_there(broken):
    document = json.loads(render(broken))
    assert [one["id"] for one in document["findings"]] == ["ADB101", "ADB303", "ADB504", "ADB502"]
    finding = document["findings"][1]
    assert finding | {"message": "", "root_cause": "", "fixes": []} == {
        "id": "ADB303",
        "slug": "libpq-parameter-in-asyncpg-url",
        "severity": "blocks",
        "confidence": "certain",
        "path": "backend/.env",
        "line": 2,
        "column": 14,
        "message": "",
        "root_cause": "",
        "evidence": "both",
        "apps": [],
        "fixes": [],
    }
    fix = finding["fixes"][0]
    assert fix["diff"].startswith("--- a/backend/.env\n")
    assert (fix["safe"], fix["proof"], fix["why"]) == (True, "proven", "the fixed copy starts")
    assert fix["explanation"].startswith("`sslmode=require` becomes")


def test_server_app_and_outcomes(broken):
    document = json.loads(render(broken))
    assert document["server"] == {
        "provider": "embedded",
        "version": "18.6",
        "seconds": 0.123,
        "not_used": {"docker": "no engine answers at /var/run/docker.sock"},
    }
    app = {"target": "src.main:app", "found_in": "backend/Procfile:1", "booted": False, "path": "backend/src/main.py"}
    assert document["app"] == app
    assert document["apps"] == [app]
    assert document["incomplete"] == ""
    assert document["checks"][3] == {
        "id": "ADB701",
        "slug": "startup-fails",
        "outcome": "skipped",
        "reason": "the app did not import",
    }
    assert document["notes"] == ["SECRET_KEY is not set; a value was made up for the boot"]


def test_the_text_is_stable_and_ascii(broken):
    odd = replace(broken, notes=("naïve \udcff",))
    assert render(odd) == render(odd)
    assert render(odd).isascii()
    assert json.loads(render(odd))["notes"] == ["naïve \udcff"]


def test_what_was_left_out_is_a_note(broken):
    line = "left out: vendored packages: third_party/"
    assert json.loads(render(replace(broken, left_out=(line,))))["notes"] == [*broken.notes, line]
