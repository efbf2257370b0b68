"""What the suites for sessions of web requests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import text

from pytest_asyncdb.suite.contract import Suite

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PID = text("SELECT pg_backend_pid()")
SLEEP = text("SELECT pg_sleep(0.02)")
SLEEP_LONG = text("SELECT pg_sleep(30)")


class RequestSuite(Suite):
    """For what gives each web request a session."""

    commits: ClassVar[bool] = False
    """Whether a request that ends without an exception is committed by the library, not by the request itself."""

    def session_of(self, given: Any) -> AsyncSession:
        """The session of what a request is given, which may be something around it."""
        session: AsyncSession = given
        return session

    async def add(self, given: Any, name: str) -> None:
        """Write an object with a name, as is usual with what a request is given, and do not commit it."""
        session = self.session_of(given)
        session.add(self.new(name))
        await session.flush()
