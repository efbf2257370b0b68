"""Tests see the same wherever they run: what fails in CI has to fail again at home."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A shell has what it runs in the background ignore Ctrl-C, which all children inherit; tests interrupt some of them.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("repeatable")
