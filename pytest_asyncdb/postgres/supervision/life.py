"""The supervisor's life, from the owner's first word to an empty place."""

# ruff: noqa: PTH123 - importing pathlib takes as long as starting half a server

from __future__ import annotations

import os
import resource

from pytest_asyncdb.postgres.supervision import identity, rundir
from pytest_asyncdb.postgres.supervision.lease import linger
from pytest_asyncdb.postgres.supervision.process import ignore_signals
from pytest_asyncdb.postgres.supervision.wire import CutError, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytest_asyncdb.postgres.supervision.front import Front
    from pytest_asyncdb.postgres.supervision.wire import Message


def live() -> None:
    """Serve one owner; return only when nothing of the server is left."""
    ignore_signals()
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what a password is made of
    line = Line()
    try:
        request = line.receive()
        line.watch(request["owner"])
    except CutError:
        return
    try:
        user = identity.pick()
        run = rundir.make(request["bases"], user)
    except OSError as error:
        line.say("failed", reason=str(error), log="")
        return
    try:
        os.chdir(run.path)
        request["directory"] = run.path
        SERVE[request["mode"]](line, request, user, run.path)
    except CutError:
        pass
    finally:
        run.remove()


def _serve_binaries(line: Line, request: Message, user: identity.Identity, path: str) -> None:
    from pytest_asyncdb.postgres.supervision.cluster import SOCKET, Cluster, StartError

    _make_reachable(request, user)
    cluster = Cluster(request, user, line)
    fronts: list[Front] = []

    def open_front() -> None:
        if not fronts:
            fronts.append(_front(line.receive(), request, SOCKET))

    try:
        cluster.start(open_front)
        line.say("ready", port=fronts[0].port, version=cluster.version, directory=path)
        cluster.publish()
        fronts[0].expect_tls()
        _hold(line, request)
    except (StartError, OSError) as error:
        line.say("failed", reason=str(error), log=cluster.log_tail())
    finally:
        for front in fronts:
            front.close()
        cluster.stop()
        line.say("stopped")


def _make_reachable(request: Message, user: identity.Identity) -> None:
    if user.changes and not user.reaches(f"{request['bin']}/postgres"):
        request["bin"] = identity.readable_copy(request["trees"], request["bin_in_trees"], request["shared_copy"])


def _front(tls: Message, request: Message, upstream: str | tuple[str, int]) -> Front:
    from pytest_asyncdb.postgres.supervision.front import Front

    for name in ("server.pem", "ca.pem"):
        with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(tls[name])
    return Front(upstream, f"{request['directory']}/server.pem", request["user"], request["keys"])


def _serve_container(line: Line, request: Message, _user: identity.Identity, path: str) -> None:
    """Stand in front of a container that the owner starts, and take it away at the end."""
    endpoint, front = request["endpoint"], None
    try:
        tls = line.receive()
        line.say("watching", directory=path)
        container = line.receive()
        front = _front(tls, request, container["upstream"])
        line.say("ready", port=front.port, directory=path)
        front.expect_tls()
        _hold(line, request)
    finally:
        if front:
            front.close()
        line.say("stopped")
        os.chdir("/")
        rundir.remove_tree(path)  # before the container, which may take its time
        if endpoint:
            from pytest_asyncdb.postgres.supervision.janitor import remove_container

            remove_container(endpoint, request["container"], exists=front is not None)


def _serve_workspace(line: Line, request: Message, _user: identity.Identity, path: str) -> None:
    """Nothing but the directory: the server is somebody else's. One that has no TLS gets a front."""
    front = None
    try:
        if request["upstream"]:
            front = _front(line.receive(), request, request["upstream"])
        line.say("ready", directory=path, port=front.port if front else 0)
        _hold(line, request)
    finally:
        if front:
            front.close()
        line.say("stopped")


def _hold(line: Line, request: Message) -> None:
    for base in request["bases"]:
        rundir.sweep(base)
    try:
        line.receive()
    except CutError:
        linger(line)
        raise


SERVE = {"binaries": _serve_binaries, "container": _serve_container, "workspace": _serve_workspace}
