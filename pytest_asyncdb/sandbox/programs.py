"""Programs that the project starts: Python ones run under the same guard, harmless ones run, all others are refused."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import threading
from typing import TYPE_CHECKING, Any

from pytest_asyncdb.sandbox import shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_asyncdb.model.serial import Json
    from pytest_asyncdb.sandbox.guard import Refusals
    from pytest_asyncdb.sandbox.recorder import Recorder

VARIABLE = "PYTEST_ASYNCDB_GUARD"
"""Names the inherited descriptor from which a Python program reads what it needs."""
_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")  # noqa: PTH100, PTH118, PTH120 - not loaded yet
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_HARMLESS = re.compile(
    r"arch|cat|date|df|echo|false|file|free|getconf|groups|head|hostname|id|ld|ldconfig|locale|ls|lsb_release|lscpu|nproc"
    r"|ps|pwd|readlink|realpath|sleep|stat|stty|tput|true|tty|uname|uptime|wc|which|whoami"
    r"|(?:\S+-)?(?:gcc|cc|clang|objdump)(?:-[\d.]+)?"
)
_GIT = re.compile(
    r"blame|branch|config|describe|diff|log|ls-files|rev-list|rev-parse|show|status|symbolic-ref|tag|version"
)
_SHELLS = frozenset({"sh", "bash", "dash"})
_SHELL_SYNTAX = re.compile(r"[;&|<>`$(){}\n]")
_ISOLATED = re.compile(r"-[a-zA-Z]*[IES]")
_SHEBANG = re.compile(rb"#!\s*(\S+)(?:\s+(\S+))?")


class Programs:
    """Judges every start of a program.

    Args:
        refusals: where refusals are counted.
        payload: what a guarded Python program needs; called when one is started, and may wait for the server.
        recorder: has the event pipe, which guarded programs inherit.
    """

    def __init__(self, refusals: Refusals, payload: Callable[[], Mapping[str, Json]], recorder: Recorder) -> None:
        """Take what to hand down."""
        self._refusals = refusals
        self._payload = payload
        self._recorder = recorder
        self._guarded = threading.local()

    def watched(self) -> dict[str, Callable[..., None]]:
        """Audit events and what judges them."""
        return {
            "subprocess.Popen": self._popen,
            "os.system": self._system,
            "os.exec": self._exec,
            "os.posix_spawn": self._exec,
            "os.spawn": lambda _mode, path, arguments, _env: self._exec(path, arguments, _env),
            "pty.spawn": lambda arguments: self._exec(arguments[0], arguments, None),
        }

    def patches(self) -> Mapping[str, Callable[[Any], None]]:
        """Name the modules through which guarded programs are started with what changes them."""
        return {"subprocess": self._subprocess, "multiprocessing.util": self._multiprocessing}

    def _popen(self, executable: Any, arguments: Any, _cwd: Any, _env: Any) -> None:
        words = _words(arguments)
        if not self._is_guarded() and not is_harmless(words, executable):
            self._refuse(words)

    def _system(self, command: Any) -> None:
        words = ["sh", "-c", os.fsdecode(command)]
        if not is_harmless(words, "sh"):
            self._refuse(words)

    def _exec(self, path: Any, arguments: Any, _env: Any) -> None:
        words = _words(arguments)
        if not self._is_guarded() and not is_harmless(words, path):
            self._refuse(words)

    def _is_guarded(self) -> bool:
        return getattr(self._guarded, "now", False)

    def _refuse(self, words: Sequence[str]) -> None:
        line = words[2] if len(words) > 2 and _base(words[0]) in _SHELLS else shlex.join(words)  # noqa: PLR2004 - sh -c LINE
        self._refusals.refuse("program", line[:200])
        name = line.lstrip("( \t\n").partition(" ")[0]
        raise PermissionError(errno.EACCES, "Not run: the sandbox starts no programs that could reach a service", name)

    def _subprocess(self, module: Any) -> None:
        start = module.Popen.__init__
        programs = self

        def __init__(self: Any, args: Any, *rest: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces that method
            # A program in a session of its own would outlive the sandbox.
            kwargs.pop("start_new_session", None)
            kwargs.pop("process_group", None)
            if rest or not is_python(_program(args, shell=bool(kwargs.get("shell")))):
                start(self, args, *rest, **kwargs)
                return
            env = os.environ if kwargs.get("env") is None else kwargs["env"]
            additions, descriptors = programs.hand_down(env)
            kwargs["env"] = {**env, **additions}
            kwargs["pass_fds"] = (*kwargs.get("pass_fds", ()), *descriptors)
            kwargs["close_fds"] = True
            programs._guarded.now = True
            try:
                start(self, args, **kwargs)
            finally:
                programs._guarded.now = False
                os.close(descriptors[0])

        module.Popen.__init__ = __init__

    def _multiprocessing(self, module: Any) -> None:
        spawn = module.spawnv_passfds

        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
            additions, descriptors = self.hand_down(os.environ)
            before = {name: os.environ.get(name) for name in additions}
            os.environ.update(additions)
            try:
                # -E and friends would lose the guard; multiprocessing passes on the flags of this interpreter only.
                return spawn(path, args, sorted((*passfds, *descriptors)))
            finally:
                os.close(descriptors[0])
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value

        module.spawnv_passfds = spawnv_passfds

    def hand_down(self, env: Mapping[str, str]) -> tuple[dict[str, str], tuple[int, int]]:
        """Make the environment and the descriptors with which a Python program guards itself.

        What it needs, the server's password with it, goes through a pipe: never into the environment or a file.
        The first descriptor is the caller's to close.

        Raises:
            PermissionError: the file that puts up the guard is not installed, so the program must not run.
        """
        if not os.path.isfile(os.path.join(_SITE, "sitecustomize.py")):  # noqa: PTH113, PTH118 - not loaded yet
            raise PermissionError(errno.EACCES, "Not run: this installation lacks the guard for Python programs", _SITE)
        payload = json.dumps(self._payload()).encode()
        reader, writer = os.pipe()
        os.write(writer, payload)
        os.close(writer)
        path = env.get("PYTHONPATH")
        guarded = {VARIABLE: str(reader), "PYTHONPATH": f"{_SITE}{os.pathsep}{path}" if path else _SITE}
        return guarded, (reader, self._recorder.events)


def _base(path: str) -> str:
    return path.rpartition(os.sep)[2]


def _words(arguments: Any) -> list[str]:
    if isinstance(arguments, str | bytes | os.PathLike):
        return [os.fsdecode(arguments)]
    return [os.fsdecode(one) for one in arguments]


def _program(arguments: Any, *, shell: bool) -> list[str]:
    """Tell the words of the program that really runs, looking through a shell that does nothing else."""
    if not shell:
        return _words(arguments)
    line = os.fsdecode(arguments) if isinstance(arguments, str | bytes) else ""
    try:
        return [] if _SHELL_SYNTAX.search(line) else shlex.split(line)
    except ValueError:
        return []


def is_harmless(words: Sequence[str], executable: Any) -> bool:
    """Tell whether a program can only look at this machine."""
    if not words:
        return False
    name = _base(os.fsdecode(executable) if executable else words[0])
    if name in _SHELLS:
        return len(words) == 3 and words[1] == "-c" and _is_harmless_line(words[2])  # noqa: PLR2004 - sh -c LINE
    if name == "git":
        return _GIT.fullmatch(next((word for word in words[1:] if not word.startswith("-")), "")) is not None
    return _HARMLESS.fullmatch(name) is not None


def _is_harmless_line(line: str) -> bool:
    found = shell.programs(line)
    return bool(found) and all(_base(one[0]) not in _SHELLS and is_harmless(one, one[0]) for one in found)


def is_python(words: Sequence[str]) -> bool:
    """Tell whether a program is a Python interpreter, or a script of one, that can be guarded."""
    if not words:
        return False
    if _PYTHON.fullmatch(_base(words[0])):
        flags = words[1:]
        for index, flag in enumerate(flags):
            if not flag.startswith("-") or flag in ("-c", "-m"):
                flags = flags[:index]
                break
        return not any(_ISOLATED.fullmatch(flag) for flag in flags)
    found = shutil.which(words[0])
    if found is None:
        return False
    try:
        with open(found, "rb") as script:  # noqa: PTH123 - pathlib is not loaded
            match = _SHEBANG.match(script.read(256))
    except OSError:
        return False
    if match is None:
        return False
    interpreter = match[2] if match[1].endswith(b"/env") and match[2] else match[1]
    isolated = match[2] is not None and interpreter is match[1] and _ISOLATED.fullmatch(match[2].decode()) is not None
    return _PYTHON.fullmatch(_base(interpreter.decode())) is not None and not isolated
