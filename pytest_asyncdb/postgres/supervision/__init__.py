"""The supervisor: a process of its own that makes a throwaway server, holds it, and removes it whatever happens.

Standard library only, and as little of that as possible before the server is started: every
millisecond of import here is a millisecond of everybody's start. That is why there are no
dataclasses, no ``typing``, no ``pathlib`` in this package, and why some imports stand in functions.
"""
