"""Prices."""


def price(amount: int -> str:  # expect: ADB206
    return f"{amount} EUR"
