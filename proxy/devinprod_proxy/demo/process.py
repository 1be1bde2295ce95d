"""How does one PostgreSQL server start, get ready, and end?

``postgres`` runs as a child of ours, not by way of pg_ctl: its end can be waited for, it can be
made to end with its parent, and Ctrl-C does not reach it because it leads a session of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from devinprod_proxy.demo.account import Account
from devinprod_proxy.demo.binaries import Binaries
from devinprod_proxy.demo.guardian import GUARD
from devinprod_proxy.demo.stopping import held
from devinprod_proxy.errors import UpstreamFault

_PR_SET_PDEATHSIG = 1  # prctl(2)
_PR_SET_CHILD_SUBREAPER = 36


class ServerFailed(UpstreamFault):
    """A server or one of its tools failed; the message ends with what it wrote."""


def clean_environment(home: Path) -> dict[str, str]:
    """What PostgreSQL's programs see of our environment: no PG* variable, English messages."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "LC_ALL": "C",
        "TZ": "UTC",
        "PGPASSFILE": os.devnull,
        "TMPDIR": str(home),
    }


def run_tool(
    binaries: Binaries, name: str, *arguments: str, account: Account | None, home: Path, timeout: float = 90
) -> str:
    """Run one of PostgreSQL's programs to its end; its output.

    Raises :class:`ServerFailed` with the last lines that it wrote.
    """
    with held():
        process = subprocess.Popen(
            [binaries.program(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=clean_environment(home),
            start_new_session=True,
            **(account.popen() if account is not None else {}),
        )
        GUARD.child(process.pid)
    try:
        output, _ = process.communicate(timeout=timeout)
    except BaseException as stopped:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(stopped, subprocess.TimeoutExpired):
            raise ServerFailed(f"{name} was not done after {timeout:.0f} s") from None
        raise
    finally:
        GUARD.forget_child(process.pid)
    if process.returncode != 0:
        raise ServerFailed(f"{name} failed with exit code {process.returncode}:\n{_last_lines(output)}")
    return output


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-count:])


class Server:
    """One data directory and the ``postgres`` process on it."""

    def __init__(
        self, binaries: Binaries, data: Path, port: int, *, account: Account | None, log: Path, home: Path
    ) -> None:
        self.data, self.port, self.log = data, port, log
        self._binaries, self._account, self._home = binaries, account, home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process number while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = 60) -> None:
        """Start and wait until connections are accepted; raises :class:`ServerFailed` otherwise."""
        with held(), self.log.open("ab") as log, warnings.catch_warnings():
            # 3.12 and later warn of every fork in a process with threads; what runs between fork
            # and exec here is one system call.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = subprocess.Popen(
                [self._binaries.program("postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=clean_environment(self._home),
                start_new_session=True,
                preexec_fn=_end_with_parent(),
                **(self._account.popen() if self._account is not None else {}),
            )
            GUARD.child(self._process.pid, signal.SIGINT)
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                written = self.log.read_text(errors="replace") if self.log.exists() else ""
                raise ServerFailed(f"postgres on port {self.port} did not start:\n{_last_lines(written)}")
            time.sleep(0.01)

    def _ready(self) -> bool:
        # Line 8 of postmaster.pid says "ready" once connections are accepted, "standby" on a hot standby.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() in ("ready", "standby")

    def stop(self) -> None:
        """End it and wait: a fast shutdown, after ten seconds an immediate one. Safe to repeat."""
        process = self._process
        if process is None:
            return
        # SIGINT: fast shutdown, SIGQUIT: immediate shutdown (PostgreSQL manual, 18.5).
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        self._process = None
        GUARD.forget_child(process.pid, signal.SIGINT)


def _prctl() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None, use_errno=True).prctl
    function.restype = ctypes.c_int
    return function


def _end_with_parent() -> Callable[[], None] | None:
    """What the child does to get SIGINT when its parent dies (Linux); a second line behind the guardian.

    The kernel means the *thread* that forked, so this is only asked for on the main thread.
    """
    prctl = _prctl()
    if prctl is None or threading.current_thread() is not threading.main_thread():
        return None
    return lambda: (prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT)), None)[1]


class AdoptedChildren:
    """Waits for what a tool left behind: pg_createsubscriber starts a server that is nobody's child.

    While this is entered, orphans below us become our children (Linux); on leaving they are waited
    for, so that no zombie stays where process 1 does not do that.
    """

    def __enter__(self) -> AdoptedChildren:
        self._prctl = _prctl()
        self._before = _children_states().keys()
        if self._prctl is not None:
            self._prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._prctl is None:
            return
        self._prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for pid, (state, name) in _children_states().items():
            if pid not in self._before and state == "Z" and name in ("postgres", "pg_ctl", "sh"):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def _children_states() -> Mapping[int, tuple[str, str]]:
    """State and name of our own children, by process number (proc(5), stat)."""
    found: dict[int, tuple[str, str]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            head, _, tail = entry.read_text().rpartition(")")
            state, parent = tail.split()[:2]
            if int(parent) == os.getpid():
                found[int(entry.parent.name)] = (state, head.partition("(")[2])
    return found
