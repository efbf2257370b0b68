"""Customers."""

from orders import Order


class Customer:
    state = "healthy"
    last_order: Order | None = None
