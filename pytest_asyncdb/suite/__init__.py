"""Conformance suites: tests of what SQLAlchemy documents, for libraries that make engines, sessions or apps.

A maintainer subclasses one and says how the library makes its objects::

    import pytest_asyncdb.suite

    class TestMyFactory(pytest_asyncdb.suite.SessionFactorySuite):
        def create_session_factory(self, engine, **options):
            return my_library.sessions(engine, **options)

The tests run on a throwaway Postgres, on each installed driver. Nothing of this is loaded before a test module imports
it.
"""

from __future__ import annotations

from pytest_asyncdb.suite.asgi import ASGISuite
from pytest_asyncdb.suite.case import Case
from pytest_asyncdb.suite.contract import Suite
from pytest_asyncdb.suite.dependencies import DependencySuite
from pytest_asyncdb.suite.engines import EngineSuite
from pytest_asyncdb.suite.sessions import SessionFactorySuite
from pytest_asyncdb.suite.tables import Author, Book

__all__ = ["ASGISuite", "Author", "Book", "Case", "DependencySuite", "EngineSuite", "SessionFactorySuite", "Suite"]
