"""Watches the connections of all pools of SQLAlchemy: which are open, and which are checked out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from sqlalchemy import PoolProxiedConnection


class Loans:
    """Listens to all pools of the process, from the beginning of a test to its end."""

    def __init__(self) -> None:
        """Begin."""
        from sqlalchemy import Pool, event

        self.most = 0
        """How many were checked out at once."""
        self._lent: dict[object, ref[PoolProxiedConnection]] = {}
        self._open: dict[int, Any] = {}
        self._listeners = (
            ("connect", self._connect),
            ("checkout", self._checkout),
            ("checkin", self._checkin),
            ("close", self._close),
        )
        for name, listener in self._listeners:
            event.listen(Pool, name, listener)

    def __len__(self) -> int:
        """How many are checked out now."""
        return len(self._lent)

    def _connect(self, connection: object, _record: object) -> None:
        self._open[id(connection)] = connection

    def _checkout(self, _connection: object, record: object, loan: PoolProxiedConnection) -> None:
        self._lent[record] = ref(loan)
        self.most = max(self.most, len(self._lent))

    def _checkin(self, _connection: object, record: object) -> None:
        self._lent.pop(record, None)

    def _close(self, connection: object, _record: object) -> None:
        self._open.pop(id(connection), None)

    async def close(self) -> None:
        """End, and close what was not returned and what nobody disposed of: nobody else will."""
        from sqlalchemy import Pool, event
        from sqlalchemy.util import greenlet_spawn

        for loan in tuple(self._lent.values()):
            lent = loan()
            if lent is not None:
                await greenlet_spawn(lent.invalidate)
        for name, listener in self._listeners:
            event.remove(Pool, name, listener)
        for connection in self._open.values():
            with suppress(Exception):  # it may be of another loop, or gone with its server
                await greenlet_spawn(connection.close)
