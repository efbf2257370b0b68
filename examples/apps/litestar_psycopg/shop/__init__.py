"""A shop's catalogue behind a login."""
