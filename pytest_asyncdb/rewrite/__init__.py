"""Edits that need to know a file's structure: import statements and dependency tables."""
