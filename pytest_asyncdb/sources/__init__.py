"""The only readers of the project's disk."""
