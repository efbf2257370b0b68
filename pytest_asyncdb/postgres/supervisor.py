"""The supervisor's door: run by path, isolated, without site-packages (``python -I -S supervisor.py``).

It only puts the package within reach, behind the standard library, and hands over. The work is in
``pytest_asyncdb.postgres.supervision``, which is imported from there so that its bytecode is cached.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Make ``pytest_asyncdb`` importable and live the supervisor's life."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib costs 6 ms
    sys.path.append(os.path.dirname(package))  # noqa: PTH120 - pathlib costs 6 ms
    from pytest_asyncdb.postgres.supervision.life import live

    live()


if __name__ == "__main__":
    main()
