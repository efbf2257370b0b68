"""Frozen data that every other room speaks: standard library only, no behaviour beyond itself."""
