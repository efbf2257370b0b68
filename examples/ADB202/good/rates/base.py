"""What a day is made of."""

BASE = 8
