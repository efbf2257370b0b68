"""Orders."""

from customers import Customer  # expect: ADB203


class Order:
    customer: Customer | None = None
