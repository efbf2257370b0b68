"""Tries the project's own code on the URLs that providers hand out, in a child of its own beside the boot."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres.thread import ServerThread
from pytest_asyncdb.urls.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.facts import Facts
    from pytest_asyncdb.model.server import Server
    from pytest_asyncdb.sandbox.launch import Boot, Child
    from pytest_asyncdb.sandbox.record import SampleRecord
    from pytest_asyncdb.sandbox.request import BootRequest, TrialRequest

_PATIENCE = 12.0
"""Seconds that the samples may take longer than the boot beside which they are tried: one or two on an idle machine."""


class Trials:
    """One child that tries everything; none where there is nothing to try.

    Args:
        request: tells how the app is booted, with the settings that are known by then.
        server: where connections go: to a database of their own, because what is called may fill it with tables.
        spawn: starts a child for a request, once the app's own boot has ended.
    """

    def __init__(
        self,
        request: Callable[[], BootRequest],
        server: ServerThread | Server,
        spawn: Callable[[BootRequest], Child],
    ) -> None:
        """Start nothing yet."""
        self._request = request
        self._spawn = spawn
        self._source = server
        self._requests: tuple[TrialRequest, ...] = ()
        self._urls: tuple[tuple[str, str], ...] = ()
        self._secrets: tuple[str, ...] = ()
        self._boot: Boot | None = None
        self._handover: threading.Thread | None = None
        self._database = ""

    def begin(self, facts: Facts) -> None:
        """Start the child if the facts name code to try, and return at once."""
        from pytest_asyncdb.sandbox.launch import spawn

        self._requests = tuple(helper.request for helper in facts.url_helpers) if facts.settings.samples else ()
        if self._requests:
            chosen = (one for one in SAMPLES if not one.like or not facts.hosting.isdisjoint(one.hints))
            self._urls = tuple((sample.provider, sample.url) for sample in chosen)
            self._secrets = facts.secrets
            self._start(lambda asked: spawn(asked.python))

    def results(self) -> tuple[SampleRecord, ...]:
        """Wait for what came out, but not for long: whoever asks has waited for the app's own boot already.

        Where no engine was made and the app's boot had to be given settings since, all is tried again with these.
        """
        if self._boot is None:
            return ()
        found = self._wait(self._boot)
        if any(one.url for one in found) or self._boot.request.env == self._request().env:
            return found
        self.end()
        return self._wait(self._start(self._spawn))

    def _start(self, spawn: Callable[[BootRequest], Child]) -> Boot:
        trials, module = self._requests, self._requests[0].module
        asked = replace(self._request(), target=module, trials=trials, urls=self._urls, secrets=self._secrets)
        self._boot = boot = spawn(asked).boot(asked)
        self._handover = threading.Thread(target=self._hand_over, args=(boot,), name="asyncdb-samples", daemon=True)
        self._handover.start()
        return boot

    @staticmethod
    def _wait(boot: Boot) -> tuple[SampleRecord, ...]:
        patience = threading.Timer(_PATIENCE, boot.kill)
        patience.start()
        try:
            return boot.result().samples
        finally:
            patience.cancel()

    def doing(self) -> Iterator[tuple[str, str]]:
        """Whether the samples are still being tried."""
        if self._boot is not None and self._boot.doing()[0]:
            yield "trying the project's own URL code on sample URLs", ""

    def end(self) -> None:
        """End the child, and take its database away from a server that stays."""
        if self._boot is None or self._handover is None:
            return
        self._boot.kill()
        self._handover.join()
        if self._database and self._server().provider == "url":
            from pytest_asyncdb.postgres.databases import drop_database

            drop_database(self._server(), self._database)

    def _server(self) -> Server:
        return self._source.server() if isinstance(self._source, ServerThread) else self._source

    def _hand_over(self, boot: Boot) -> None:
        from pytest_asyncdb.postgres.databases import create_database, fresh_name

        try:
            own = create_database(self._server(), fresh_name())
            self._database = own.database
            boot.serve(own)
        except Exception as error:  # noqa: BLE001 - told by the thread that judges; the samples are then not connected
            boot.no_server(str(error))
