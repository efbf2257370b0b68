"""A server in a thread of its own: started beside other work, held until it is let go."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from pytest_asyncdb.postgres.protocol import to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.postgres.choose import Choice


class ServerThread:
    """Chooses and starts a server beside the boot, and keeps it until the end of the ``with`` block.

    Args:
        request: what the user asked for, e.g. ``auto``.
        timeout: seconds for the server to become ready.
        extensions: that the server must have.
        tell: hears of what takes long.
    """

    def __init__(
        self,
        request: str,
        timeout: float,
        extensions: tuple[str, ...] = (),
        tell: Callable[[str], None] = to_stderr,
    ) -> None:
        self._request = request
        self._timeout = timeout
        self._extensions = extensions
        self._tell = tell
        self.choice: Choice | None = None
        """What was chosen, once it was."""
        self._ready = threading.Event()
        self._stop = threading.Event()
        self.served: Server | None = None
        """The server, once it is ready."""
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="asyncdb-server", daemon=True)

    def __enter__(self) -> Self:
        """Do nothing yet: the app's import comes first, and ``begin`` starts the server beside it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and wait until it is gone."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def starts(self) -> bool:
        """Whether it is not ready yet, and may be."""
        return not self._ready.is_set()

    def begin(self) -> None:
        """Start; returns at once."""
        self._thread.start()

    def server(self) -> Server:
        """The server, once it is ready.

        Raises:
            NoProviderError: none can serve as requested.
            UnknownProviderError: the request means nothing.
            ServerError: it did not start.
        """
        self._ready.wait()
        if self.served is None:
            raise self._error or RuntimeError("the server's thread ended without a server")
        return self.served

    def _run(self) -> None:
        from pytest_asyncdb.postgres.choose import NoProviderError, UnknownProviderError
        from pytest_asyncdb.postgres.protocol import ServerError

        try:
            self._hold()
        except (NoProviderError, UnknownProviderError, ServerError) as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread that asks for the server has to hear it
            self._error = ServerError(f"no server could be started: {type(error).__name__}: {error}")
        finally:
            self._ready.set()

    def _hold(self) -> None:
        from pytest_asyncdb.postgres.choose import choose

        self.choice = choose(self._request, timeout=self._timeout, extensions=self._extensions, tell=self._tell)
        with self.choice.provider.serve() as server:
            self.served = server
            self._ready.set()
            self._stop.wait()


class DatabaseThread(ServerThread):
    """A database of its own on a server that is there: made beside other work, dropped after it where the server stays.

    Args:
        server: where it is made.
    """

    def __init__(self, server: Server) -> None:
        super().__init__("", 0.0)
        self._on = server

    def __enter__(self) -> Self:
        """Begin to make it."""
        self._thread.start()
        return self

    def begin(self) -> None:
        """Do nothing: it is being made."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop it, unless the server goes away with its databases."""
        from pytest_asyncdb.postgres.databases import drop_database

        super().__exit__(kind, error, trace)
        if self.served is not None and self._on.provider == "url":
            drop_database(self._on, self.served.database)

    def _hold(self) -> None:
        from pytest_asyncdb.postgres.databases import create_database, fresh_name

        self.served = create_database(self._on, fresh_name())
