"""The parts of ``benchmarks/projects.py``: lists of real projects, their environments, runs, matching, totals."""
