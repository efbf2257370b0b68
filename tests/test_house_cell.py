"""A cell of the version matrix tests what its name says: tox.ini tells the versions in ASYNCDB_CELL_*."""

from __future__ import annotations

import os
from importlib.metadata import version

import pytest

import pytest_asyncdb

PREFIX = "ASYNCDB_CELL_"
ASKED = {name.removeprefix(PREFIX).lower(): asked for name, asked in os.environ.items() if name.startswith(PREFIX)}
IN_CELL = os.environ.get("TOX_ENV_NAME", "").startswith(("py3", "lowest"))
only_in_a_cell = pytest.mark.skipif(not IN_CELL, reason="not in a cell of the matrix: see tox.ini")


@only_in_a_cell
def test_the_installed_versions_are_those_of_the_cell():
    assert {name: ".".join(version(name).split(".")[:2]) for name in ASKED} == ASKED


@only_in_a_cell
def test_the_built_wheel_is_tested_and_not_the_checkout():
    assert "site-packages" in pytest_asyncdb.__file__
