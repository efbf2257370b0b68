from __future__ import annotations

import pytest

from pytest_asyncdb.facts.requirement import pep440


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^1.2.3", "<2.0,>=1.2.3"),
        ("^0.2.3", "<0.3,>=0.2.3"),
        ("^0.0.3", "<0.0.4,>=0.0.3"),
        ("^1", "<2.0,>=1"),
        ("~1.2.3", "<1.3,>=1.2.3"),
        ("~1", "<2.0,>=1"),
        ("~=1.2", "~=1.2"),
        ("1.2.3", "==1.2.3"),
        ("1.2.*", "==1.2.*"),
        (">=1,<2", "<2,>=1"),
        ("*", ""),
        ("^1 || ^2", ""),
        ("nonsense!", ""),
    ],
)
def test_constraints_of_poetry(constraint, specifier):
    assert pep440(constraint) == specifier
