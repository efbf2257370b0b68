"""Prices."""


def price(amount: str) -> str:
    try:
        return f"{int(amount)} EUR"
    except (TypeError, ValueError):
        return ""
