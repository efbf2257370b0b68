"""Pulling an image that was asked for by name, and saying so: it may take minutes. Imports the engine's client."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from docker.errors import DockerException  # type: ignore[import-untyped]  # it has no annotations
from docker.utils import parse_repository_tag  # type: ignore[import-untyped]  # as above
from testcontainers.core.docker_client import DockerClient

from pytest_asyncdb.postgres.protocol import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

OFTEN = 5.0
"""Seconds between two words about how far it is."""
LAYER_DONE = ("Pull complete", "Already exists")
WAYS_OUT = (
    "Ways out: pull or build the image first, name another one (docker:TAG, docker:IMAGE or PYTEST_ASYNCDB_IMAGE), "
    "or another server with --asyncdb-postgres=embedded, local or a URL"
)


def pull(image: str, tell: Callable[[str], None]) -> None:
    """Pull an image; ``tell`` hears what goes on.

    Raises:
        ServerError: the engine cannot get it.
    """
    began = said = time.monotonic()
    tell(f"the container engine has no image {image}: pulling it")
    repository, tag = parse_repository_tag(image)
    layers: dict[str, bool] = {}
    try:
        with closing(DockerClient().client) as client:
            for step in client.api.pull(repository, tag or "latest", stream=True, decode=True):
                if "error" in step:
                    raise ServerError(f"the image {image} cannot be pulled: {step['error']}. {WAYS_OUT}")
                if "id" in step:
                    layers[step["id"]] = step.get("status") in LAYER_DONE
                if time.monotonic() - said > OFTEN:
                    said = time.monotonic()
                    tell(f"still pulling {image}: {sum(layers.values())} of {len(layers)} layers, {said - began:.0f} s")
    except DockerException as error:
        raise ServerError(f"the image {image} cannot be pulled: {error}. {WAYS_OUT}") from None
    tell(f"pulled {image} in {time.monotonic() - began:.1f} s")
