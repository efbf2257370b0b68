"""Makes ``by_hand`` importable: facts made by hand are parameters, which fixtures cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
