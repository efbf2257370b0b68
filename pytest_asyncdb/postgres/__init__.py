"""A throwaway Postgres: one protocol, one module per provider."""
