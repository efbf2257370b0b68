"""A deadline counts the time in which the project's code could run."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from pytest_asyncdb.sandbox.watchdog import Watchdog

# ruff: noqa: SLF001 - where the system tells it is what a test has to replace


@pytest.fixture
def barked(tmp_path):
    """Start a watchdog whose thread has waited for a core as long as is told; when it barked, in seconds."""

    def start(seconds, waits):
        done, told = threading.Event(), []
        sources = SimpleNamespace(caller=lambda _frame: None)
        started = time.monotonic()

        def bark(_place):
            told.append(time.monotonic() - started)
            done.set()

        dog = Watchdog(SimpleNamespace(sources=sources), bark)
        dog._schedule = str(tmp_path / "schedstat")
        for number, waited in enumerate(waits):
            (tmp_path / "schedstat").write_text(f"1 {int(waited * 1e9)} 1\n")
            if not number:
                dog.arm(seconds)
                dog.start()
        assert done.wait(5)
        return told[0]

    return start


@pytest.mark.parametrize(
    ("waits", "least", "most"),
    [([1.0, 1.0], 0.3, 0.55), ([1.0, 1.25], 0.55, 1.2), ([1.0, 9.0], 0.6, 1.3)],
    ids=["always had a core", "had to wait", "never twice as long"],
)
def test_time_without_a_core_is_added(barked, waits, least, most):
    assert least <= barked(0.3, waits) < most


def test_where_the_system_does_not_tell_nothing_is_added():
    told = []
    dog = Watchdog(SimpleNamespace(sources=SimpleNamespace(caller=lambda _frame: None)), told.append)
    dog._schedule = "/no/such/file"
    dog.arm(0.1)
    dog.start()
    dog.join(5)
    assert (told, dog.computes()) == ([None], False)


def test_who_computes_is_told_from_who_waits():
    dog = Watchdog(SimpleNamespace(sources=None), print)
    dog.arm(60)
    until = time.thread_time() + 0.2
    while time.thread_time() < until:
        pass
    assert dog.computes()
    dog.arm(60)
    time.sleep(0.2)
    assert not dog.computes()
