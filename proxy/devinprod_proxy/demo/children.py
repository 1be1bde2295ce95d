"""How do the demo's other processes start, show that they are ready, and end?

Each leads a session of its own (Ctrl-C reaches the launcher only), writes to a log file, and stands
on the guardian's list, so it ends even if the launcher is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devinprod_proxy.demo.guardian import GUARD
from devinprod_proxy.demo.stopping import held
from devinprod_proxy.errors import DevinprodError

GRACE_SECONDS = 10.0


class DemoFailed(DevinprodError):
    """A part of the demo did not start or did not stay up; the message ends with its last words."""


class Child:
    """One child process, started again by :meth:`start` if it ended.

    *ready* says whether it answers yet; *own* are the variables that it gets beyond the launcher's
    environment, from which PG* and DEVINPROD_* are taken out.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], bool],
        own: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.name, self.log = name, log
        self._arguments, self._ready, self._own, self._folder = list(arguments), ready, own, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; :meth:`wait_until_ready` tells when it is up."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "DEVINPROD_", "SHOP_"))}
        with held(), self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**inherited, "PYTHONUNBUFFERED": "1", **self._own},
                start_new_session=True,
            )
            GUARD.child(self._process.pid)

    @property
    def pid(self) -> int | None:
        """Its process number, None when it is not running."""
        return self._process.pid if self._process is not None else None

    def ended(self) -> int | None:
        """Its exit status if it was started and has ended by itself."""
        return self._process.poll() if self._process is not None else None

    def wait_until_ready(self, timeout: float = 60) -> None:
        """Wait until it answers. Raises :class:`DemoFailed` if it ends or takes too long."""
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self.ended() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace").strip().splitlines()[-15:]
                status = self.ended()
                what = "gives no answer" if status is None else f"ended with status {status}"
                raise DemoFailed("\n".join([f"{self.name} {what}:", *said]))
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and everything below it, and wait. Safe to call again."""
        process, self._process = self._process, None
        if process is None:
            return
        below = _descendants(process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # Kernels and terminals lead sessions of their own and outlive a JupyterLab that was killed.
        left = [pid for pid, born in below.items() if born is not None and _born(pid) == born]
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(_born(pid) == below[pid] for pid in left) and time.monotonic() < deadline:
            time.sleep(0.01)
        GUARD.forget_child(process.pid)


def _born(pid: int) -> str | None:
    """When a process that still runs was started, in clock ticks (proc(5), stat).

    Number and birth together are unique; a zombie, which nobody has waited for yet, runs no more.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _descendants(pid: int) -> dict[int, str | None]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found: dict[int, str | None] = {}
    grew = True
    while grew:
        grew = False
        for child, parent in parents.items():
            if child not in found and (parent == pid or parent in found):
                found[child] = _born(child)
                grew = True
    return found


def answers(url: str) -> Callable[[], bool]:
    """A check for :class:`Child`: does *url* answer with success?

    >>> answers("http://127.0.0.1:9/")()
    False
    """
    # No proxy of the environment stands between us and the loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def check() -> bool:
        try:
            with opener.open(url, timeout=2) as response:
                return bool(response.status < 400)
        except (OSError, urllib.error.URLError, ValueError):
            return False

    return check
