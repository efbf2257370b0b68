"""Notes behind a login."""
