# ruff: noqa: E501 - each way to start one is one line of the table, however long
"""Programs that the app starts: Python runs under the same guard, harmless ones run."""

from __future__ import annotations

import pytest

CHILDREN = {
    "run": ("import subprocess, sys", 'subprocess.run([sys.executable, "child.py"], check=True)'),
    "shell": ("import subprocess, sys", 'subprocess.run(sys.executable + " child.py", shell=True, check=True)'),
    "own-environment": (
        "import subprocess, sys",
        'subprocess.run([sys.executable, "child.py"], env={"A": "b"}, check=True)',
    ),
    "own-session": (
        "import subprocess, sys",
        'subprocess.Popen([sys.executable, "child.py"], start_new_session=True).wait()',
    ),
    "asyncio": ("import sys", 'await (await asyncio.create_subprocess_exec(sys.executable, "child.py")).wait()'),
    "grandchild": (
        "import subprocess, sys",
        """subprocess.run([sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])"], check=True)""",
    ),
    "fork": (
        "import os, child",
        "pid = os.fork()\n        if not pid: child.main(); os._exit(0)\n        os.waitpid(pid, 0)",
    ),
    "multiprocessing-spawn": (
        "import multiprocessing, child",
        'p = multiprocessing.get_context("spawn").Process(target=child.main); p.start(); p.join()',
    ),
    "multiprocessing-fork": (
        "import multiprocessing, child",
        'p = multiprocessing.get_context("fork").Process(target=child.main); p.start(); p.join()',
    ),
}
CHILD = """
    import os
    import socket

    def main():
        try:
            socket.create_connection(("127.0.0.2", PORT), 2)
        except ConnectionRefusedError:
            print("child was refused", flush=True)
        import psycopg
        psycopg.connect("postgresql://app:SECRET@127.0.0.2:PORT/prod").close()
        print("child was redirected", flush=True)

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("way", CHILDREN)
def test_python_children_run_under_the_same_guard(boot, starlette_app, decoy, way):
    imports, body = CHILDREN[way]
    record = boot(main=starlette_app(imports=imports, body=body), child=CHILD)
    assert record.phase("startup").ok, record.phase("startup").error
    said = [one.message for one in record.logs if one.source == "stdout"]
    assert said == ["child was refused", "child was redirected"]
    assert [(one.kind, one.target) for one in record.refused] == [("connect", f"127.0.0.2:{decoy.port}")]
    assert [(one.driver, one.host, one.ok) for one in record.connections] == [("psycopg", "127.0.0.2", True)]


@pytest.mark.parametrize(
    "command",
    [
        '["git", "rev-parse", "HEAD"]',
        '["uname", "-a"]',
        '["hostname"]',
        '"date", shell=True',
        '"id -u 2>/dev/null", shell=True',
        '"(git rev-parse HEAD && git describe --tags --always) 2> /dev/null || cat VERSION", shell=True',
    ],
)
def test_harmless_programs_run(boot, starlette_app, command):
    record = boot(main=starlette_app(imports="import subprocess", body=f"subprocess.run({command})"))
    assert record.phase("startup").ok
    assert record.refused == ()


def test_without_its_guard_no_python_program_is_started(monkeypatch, tmp_path):
    from pytest_asyncdb.sandbox import programs

    monkeypatch.setattr(programs, "_SITE", str(tmp_path))
    started = programs.Programs(refusals=None, payload=dict, recorder=None)
    with pytest.raises(PermissionError, match="lacks the guard"):
        started.hand_down({})
