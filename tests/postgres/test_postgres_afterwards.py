"""What every provider leaves behind: nothing."""

import os
import socket
import subprocess
import sys
import time

import pytest


def test_after_the_block_nothing_is_left(provider):
    with provider.serve() as server:
        directory, port = server.workspace.parent, server.port
        (server.workspace / "sub").mkdir()
        (server.workspace / "sub" / "copied").write_text("x")
        (server.workspace / "sub").chmod(0o500)
    assert_gone(directory)
    if provider.name != "url":
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_after_an_exception_nothing_is_left(provider):
    directory = None
    try:
        with provider.serve() as server:
            directory = server.workspace.parent
            raise ZeroDivisionError  # noqa: TRY301 - the block is what is tested
    except ZeroDivisionError:
        pass
    assert_gone(directory)


def assert_gone(directory, seconds=10.0):
    end = time.monotonic() + seconds
    while directory.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not directory.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_no_child_is_left_unreaped(provider):
    with provider.serve():
        pass
    end = time.monotonic() + 5
    while (zombies := _zombies()) and time.monotonic() < end:
        time.sleep(0.02)
    assert zombies == ""


def _zombies():
    listed = subprocess.run(
        ["ps", "-o", "pid=,stat=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    return "\n".join(line for line in listed.stdout.splitlines() if " Z" in line)
