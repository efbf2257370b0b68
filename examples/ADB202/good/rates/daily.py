"""Asks another host when it is imported: nothing says that it would fail where the app runs."""

from urllib.request import urlopen

RATES = urlopen("https://rates.example.org/today").read()
