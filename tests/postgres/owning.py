"""A process that owns a server, for tests that need one to die: ``python owning.py REQUEST BASE ACTION``.

Prints one JSON line when the server is ready. BASE is where the server's directory is made (empty: wherever it
wants), ACTION what happens then: ``leave`` the block, ``raise`` in it, ``fork`` a child that lives on, ``wait`` for a
signal or for end-of-file.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import platformdirs

from pytest_asyncdb.postgres import binaries, docker, url
from pytest_asyncdb.postgres.choose import choose


def main() -> None:
    request, base, action = sys.argv[1:]
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and that is inherited
    if base:
        for module in (binaries, docker, url):
            module.bases = lambda: (base,)
    if shared := os.environ.get("SHARED_CACHE"):
        platformdirs.site_cache_path = lambda _: Path(shared)
    with choose(request).provider.serve() as server:
        ready = {"port": server.port, "password": server.password, "workspace": os.fspath(server.workspace)}
        (Path(server.workspace) / "copy of .env").write_text("SECRET=hunter2\n")
        sys.stdout.write(json.dumps({**ready, "version": server.version, "seconds": server.seconds}) + "\n")
        sys.stdout.flush()
        if action == "fork" and not os.fork():
            os.close(1)
            os.close(2)
            time.sleep(8)
            os._exit(0)
        if action == "raise":
            raise RuntimeError("the test wants it")
        if action == "wait":
            sys.stdin.read()


if __name__ == "__main__":
    main()
