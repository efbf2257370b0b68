"""Facts of a copy know the original; they must say what facts that are read anew say."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pytest

from pytest_asyncdb.copy import copy_project
from pytest_asyncdb.facts import Facts
from pytest_asyncdb.facts.app import find_apps
from pytest_asyncdb.facts.copied import CopiedFacts
from pytest_asyncdb.model.settings import Settings
from pytest_asyncdb.sources.project import Project

APPS = Path(__file__).parents[2] / "examples" / "apps"
NAMES = [name for name, one in vars(Facts).items() if isinstance(one, cached_property) and not name.startswith("_")]
CHANGES = {
    "requirements": {"requirements.txt": "# first\nalembic\n"},
    "settings": {".env": "# first\nOTHER=postgresql://u:p@h/d\n"},
    "code": {"src/core/database.py": "from sqlalchemy.ext.asyncio import create_async_engine as other\n"},
    "all": {"requirements.txt": "alembic\n", ".env": "X=1\n", "src/main.py": "import asyncio\n"},
}


@pytest.mark.parametrize("name", ["audited_backend", "audited_backend_fixed"])
@pytest.mark.parametrize("change", CHANGES)
def test_facts_of_a_copy_are_those_that_are_read_anew(tmp_path, name, change):
    project = Project(APPS / name)
    settings = Settings(project.root)
    app = find_apps(project, settings)[0]
    before = Facts(project, settings, app, lambda: (None, "no boot"))
    texts = {path: more + project.text(path) for path, more in CHANGES[change].items()}
    for one in NAMES:
        getattr(before, one)
    copy_project(project, tmp_path / "copy", texts)

    def facts(kind, **more):
        copy = Project(tmp_path / "copy")
        return kind(copy, Settings(copy.root), app, lambda: (None, "no boot"), **more)

    anew, known = facts(Facts), facts(CopiedFacts, before=before, changed=frozenset(texts))
    for one in NAMES:
        assert getattr(known, one) == getattr(anew, one), one
    assert [known.modules_to_import(app), known.declared is before.declared] == [
        anew.modules_to_import(app),
        change in ("settings", "code"),
    ]
    assert (known.modules is before.modules) == (change in ("requirements", "settings"))
