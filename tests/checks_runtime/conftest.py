from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_asyncdb import registry
from pytest_asyncdb.model.check import NotJudgedError

sys.path.insert(0, str(Path(__file__).parent))  # the builders beside this file, whatever the import mode


@pytest.fixture
def judge():
    """Runs one check: its findings, or the reason why it could not be judged."""

    def run(check_id, given):
        (check,) = registry.load([check_id])
        try:
            return check.run(given)
        except NotJudgedError as unknown:
            return str(unknown)

    return run
