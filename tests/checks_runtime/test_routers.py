from __future__ import annotations

import dataclasses

import pytest
from booted_by_hand import boot, facts

from pytest_asyncdb.facts.project import Router
from pytest_asyncdb.facts.python import Module
from pytest_asyncdb.model.finding import Confidence, Evidence
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.sandbox.record import (
    RouterRecord,
)

WRITTEN = Router("src.items.router", Place("src/items.py", 5, 1), 2, included=False)


def seen(*, registered, routes=2):
    return RouterRecord(WRITTEN.place, "src.items.router", "/items", routes, registered)


@pytest.mark.parametrize(
    ("included", "records", "expected"),
    [
        (False, (seen(registered=False),), (Confidence.CERTAIN, Evidence.BOTH)),
        (False, (), (Confidence.LIKELY, Evidence.STATIC)),
        (True, (seen(registered=False),), None),
        (False, (seen(registered=True),), None),
        (True, (seen(registered=True),), None),
        (True, (), None),
        (True, (seen(registered=False, routes=0),), None),
    ],
)
def test_routers(judge, included, records, expected):
    given = facts(routers=(dataclasses.replace(WRITTEN, included=included),), boot=boot(routers=records))
    found = [(one.confidence, one.evidence) for one in judge("ADB705", given)]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(("name", "told"), [("copies.routes", 0), ("src.items", 1)])
def test_a_router_in_a_package_that_the_app_does_not_import_is_none_of_its_own(judge, name, told):
    path = f"{name.replace('.', '/')}.py"
    modules = [Module(one, f"{one.replace('.', '/')}.py", is_package=False, role="app") for one in (name, "src.main")]
    router = Router(f"{name}.router", Place(path, 5, 1), 2, included=False)
    assert len(judge("ADB705", facts(routers=(router,), modules=tuple(modules)))) == told


def test_a_router_without_routes_is_no_fault(judge):
    assert judge("ADB705", facts(routers=(dataclasses.replace(WRITTEN, routes=0),))) == ()
