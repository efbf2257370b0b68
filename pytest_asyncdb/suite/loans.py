"""Counts the connections that are checked out of any pool of SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from sqlalchemy import PoolProxiedConnection


class Loans:
    """Listens to all pools of the process, from the beginning of a test to its end."""

    def __init__(self) -> None:
        """Begin."""
        from sqlalchemy import Pool, event

        self.most = 0
        """How many there were at once."""
        self._lent: dict[object, ref[PoolProxiedConnection]] = {}
        self._listeners = (("checkout", self._checkout), ("checkin", self._checkin))
        for name, listener in self._listeners:
            event.listen(Pool, name, listener)

    def __len__(self) -> int:
        """How many are checked out now."""
        return len(self._lent)

    def _checkout(self, _connection: object, record: object, loan: PoolProxiedConnection) -> None:
        self._lent[record] = ref(loan)
        self.most = max(self.most, len(self._lent))

    def _checkin(self, _connection: object, record: object) -> None:
        self._lent.pop(record, None)

    async def close(self) -> None:
        """End, and close what was not returned: nobody else will."""
        from sqlalchemy import Pool, event
        from sqlalchemy.util import greenlet_spawn

        for loan in tuple(self._lent.values()):
            lent = loan()
            if lent is not None:
                await greenlet_spawn(lent.invalidate)
        for name, listener in self._listeners:
            event.remove(Pool, name, listener)
