"""In CI hypothesis takes the same examples in every run: what fails there has to fail again at home."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("repeatable")
