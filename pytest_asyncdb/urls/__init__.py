"""Parse, normalise and redact database URLs: pure functions, public API."""
