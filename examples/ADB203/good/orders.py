"""Orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customers import Customer


class Order:
    customer: Customer | None = None
