"""Who tidies up when the launcher is killed?

A launcher that gets SIGKILL can do nothing itself. So it keeps a *guardian*: a second small
process that only waits for a pipe to close. The launcher tells it which processes it started and
which folders it made; when the pipe closes with something left on that list, the guardian ends
those processes, whatever PostgreSQL runs from those folders, and removes the folders.

The guardian leads a session of its own, so Ctrl-C does not reach it, and ends with the last entry
of the list: nothing stays when everything was stopped properly. This file runs as a script too
and imports the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

GRACE_SECONDS = 10.0


class Guard:
    """The launcher's side: the list, and the guardian process while the list is not empty.

    >>> guard = Guard()
    >>> guard.active
    False
    """

    def __init__(self) -> None:
        self._entries: set[str] = set()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def active(self) -> bool:
        """True while a guardian process stands by."""
        return self._process is not None

    def folder(self, path: Path) -> None:
        """Have *path* removed if this process dies before :meth:`forget_folder`."""
        self._add(f"folder {path}")

    def forget_folder(self, path: Path) -> None:
        """*path* was removed, or is somebody else's now."""
        self._drop(f"folder {path}")

    def child(self, pid: int, how: signal.Signals = signal.SIGTERM) -> None:
        """Have the process *pid* ended by signal *how* if this process dies before it does.

        After ten seconds its whole process group is killed: start it with ``start_new_session``.
        """
        self._add(f"child {pid} {int(how)}")

    def forget_child(self, pid: int, how: signal.Signals = signal.SIGTERM) -> None:
        """The process has ended and was waited for."""
        self._drop(f"child {pid} {int(how)}")

    def _add(self, entry: str) -> None:
        with self._lock:
            self._entries.add(entry)
            self._tell(f"+{entry}")

    def _drop(self, entry: str) -> None:
        with self._lock:
            if entry not in self._entries:
                return
            self._entries.discard(entry)
            self._tell(f"-{entry}")
            if not self._entries and self._process is not None:
                ended, self._process = self._process, None
                ended.communicate()

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.poll() is not None:
            self._process = _spawn()
            line = "\n".join(f"+{entry}" for entry in self._entries)
        stdin = self._process.stdin
        assert stdin is not None
        # A guardian that somebody killed is replaced the next time.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(line + "\n")
            stdin.flush()


#: One list for the whole process.
GUARD = Guard()


def _spawn() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        start_new_session=True,
    )


def main(lines: IO[str]) -> None:
    """The guardian: keeps the list that *lines* tell until they end, then tidies what is left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    left: dict[str, None] = {}
    for line in lines:
        entry = line.rstrip("\n")
        if entry.startswith("+"):
            left[entry[1:]] = None
        else:
            left.pop(entry[1:], None)
    children = [entry.split() for entry in left if entry.startswith("child ")]
    folders = [Path(entry.removeprefix("folder ")) for entry in left if entry.startswith("folder ")]
    processes = {int(pid): int(how) for _, pid, how in children}
    for folder in folders:
        # A server that pg_createsubscriber had running at that moment is nobody's child.
        for file in folder.glob("*/postmaster.pid"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                processes.setdefault(int(file.read_text().split()[0]), int(signal.SIGQUIT))
    for pid, how in processes.items():
        _send(pid, how)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in processes:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        if _alive(pid):
            _send(pid, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _send(pid: int, how: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, how)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        # A zombie that nobody waits for is not alive (proc(5): the state follows the name in brackets).
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


if __name__ == "__main__":
    main(sys.stdin)
