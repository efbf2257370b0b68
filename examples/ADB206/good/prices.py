"""Prices."""


def price(amount: int) -> str:
    return f"{amount} EUR"
