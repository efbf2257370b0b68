"""A server in a container, through testcontainers, which is imported only when a container is started."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_asyncdb.postgres import engine
from pytest_asyncdb.postgres.binaries import fronted
from pytest_asyncdb.postgres.certificates import certificates
from pytest_asyncdb.postgres.owner import tag
from pytest_asyncdb.postgres.protocol import TIMEOUT, USER, ServerError, to_stderr
from pytest_asyncdb.postgres.supervised import GRACE, bases, environment, supervised
from pytest_asyncdb.postgres.supervision import scram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_asyncdb.model.server import Server

IMAGE = "postgres:18"
IMAGE_VARIABLES = ("PYTEST_ASYNCDB_IMAGE", "ASYNCDB_TEST_IMAGE")


def configured_image() -> str:
    """The image to use: from the environment, or the official one."""
    return next((os.environ[name] for name in IMAGE_VARIABLES if os.environ.get(name)), IMAGE)


@dataclass
class Docker:
    """A container of ``image``; unless ``pull``, only one that the engine has already. ``tell`` hears of a pull."""

    image: str = field(default_factory=configured_image)
    pull: bool = True
    timeout: float = TIMEOUT
    tell: Callable[[str], None] = to_stderr
    name = "docker"

    def unusable(self) -> str | None:
        """Why it cannot serve; see ``Provider``."""
        return engine.silent() or (None if self.pull else self._absent())

    def _absent(self) -> str | None:
        """Why there can be no container without a pull."""
        if engine.has_image(self.image) is not False:
            return None
        variable = IMAGE_VARIABLES[0]
        return f"the engine has no image {self.image}; `docker pull {self.image}`, or name another with {variable}"

    def _have_image(self) -> None:
        absent = self._absent()
        if absent and not self.pull:
            raise ServerError(absent)
        if absent:
            from pytest_asyncdb.postgres.pull import pull

            pull(self.image, self.tell)

    @contextmanager
    def serve(self) -> Iterator[Server]:
        """Serve; see ``Provider``."""
        import platformdirs

        self._have_image()
        began = time.perf_counter()
        name = f"asyncdb-{secrets.token_hex(6)}"
        password = secrets.token_hex(18)
        keys = scram.derive(password)
        endpoint = engine.endpoint()
        with supervised() as supervisor:
            supervisor.tell(
                {
                    "mode": "container",
                    "owner": os.getpid(),
                    "bases": bases(),
                    "environment": environment(),
                    "user": USER,
                    "keys": keys.as_message(),
                    "endpoint": endpoint,
                    "container": name,
                }
            )
            supervisor.tell(certificates(platformdirs.user_cache_path("pytest-asyncdb")))
            supervisor.hear("watching", GRACE)
            from pytest_asyncdb.postgres.container import running
            from pytest_asyncdb.postgres.databases import server_version

            with running(
                self.image,
                name,
                keys.verifier,
                timeout=self.timeout,
                remove=endpoint is None,
                holder=tag(supervisor.pid),
            ) as upstream:
                supervisor.tell({"upstream": upstream})
                ready = supervisor.hear("ready", GRACE)
                server = fronted(self.name, ready, password)
                yield replace(server, version=server_version(server), seconds=time.perf_counter() - began)
