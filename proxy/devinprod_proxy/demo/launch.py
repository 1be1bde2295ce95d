"""How does the whole demo start, stay up, and end without a trace?

One primary with a writable replica, the proxy before the replica, the shop's service on the primary,
and JupyterLab on a copy of the notebooks: servers of the demo's own, on the loopback address, in two
temp folders. Ctrl-C, SIGTERM and a closed terminal undo all of it in reverse order; when the launcher
is killed outright, :mod:`devinprod_proxy.demo.guardian` does.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from devinprod_proxy.demo import files as demo_files
from devinprod_proxy.demo.account import new_folder
from devinprod_proxy.demo.binaries import find_postgres
from devinprod_proxy.demo.children import Child, DemoFailed, answers
from devinprod_proxy.demo.files import PASSWORD, TARGET, USER, Files
from devinprod_proxy.demo.guardian import GUARD
from devinprod_proxy.demo.shop import DEFAULT_CUSTOMERS, PROXY_ROLE, SERVICE_ROLE, shop_cluster
from devinprod_proxy.demo.stopping import Stopped, ending, held, stop_on_signals

_PORTS = {"proxy": 6543, "control": 6544, "shop": 8000, "lab": 8888}
#: A part that fell over is started again, but not more often than this in a minute.
_RESTARTS = 3


def run_demo(*, headless: bool = False, state: Path | None = None, rows: int | None = None) -> int:
    """Run the demo until a signal ends it; the exit status.

    *rows* is the number of customers (default 10,000, six orders each). *state* gets one JSON object
    once everything answers, and is removed at the end. Raises
    :class:`~devinprod_proxy.errors.DevinprodError` if a part does not start or stay up, ValueError
    below :data:`~devinprod_proxy.demo.shop.FEWEST_CUSTOMERS`; nothing is left running then either.

    >>> run_demo(headless=True, state=Path("state.json"), rows=1000)  # doctest: +SKIP
    0
    """
    if state is not None:
        state = state.absolute()
        state.unlink(missing_ok=True)
    with stop_on_signals(), ExitStack() as undo:
        try:
            _Demo(undo, headless, state, DEFAULT_CUSTOMERS if rows is None else rows).run()
        except Stopped:
            print("\nstopping", flush=True)
        finally:
            ending()
    return 0


class _Demo:
    """One run: every step leaves on ``undo`` what takes it back."""

    def __init__(self, undo: ExitStack, headless: bool, state: Path | None, customers: int) -> None:
        self.undo, self.headless, self.state = undo, headless, state
        self.began = time.monotonic()
        self.ports = _ports(headless)
        self.cluster = shop_cluster(customers, progress=self.say)
        self.customers = customers

    def say(self, step: str) -> None:
        """One line of progress: seconds since the start, and what is done."""
        print(f"  {time.monotonic() - self.began:5.1f} s  {step}", flush=True)

    def run(self) -> None:
        """Start everything, say so, and watch it until something ends it."""
        folder = self.new_folder()
        token = demo_files.add_user(folder)
        environment = demo_files.client_environment(self.ports["proxy"], self.ports["control"], token)
        # The tour shows that the "production" page stays as it is.
        environment["DEVINPROD_DEMO_SHOP"] = f"http://127.0.0.1:{self.ports['shop']}"
        lab_token = secrets.token_urlsafe(24)
        lab = None
        if not self.headless:
            # It takes longest to come up and needs nothing of the others for that.
            lab = self.lab(folder, lab_token, environment)
            lab.start()
        with held():
            self.undo.callback(self.cluster.stop)
        self.cluster.start()
        files = demo_files.write_files(
            folder,
            dsn=self.cluster.dsn("replica", PROXY_ROLE),
            proxy_port=self.ports["proxy"],
            control_port=self.ports["control"],
            headless=self.headless,
        )
        proxy, shop = self.proxy(files), self.shop(files)
        for child in (proxy, shop):
            child.start()
        for child in (proxy, shop, *([lab] if lab is not None else [])):
            child.wait_until_ready()
            self.say(f"{child.name} answers")
        if self.state is not None:
            self.undo.callback(self.state.unlink, missing_ok=True)
            demo_files.write_state(self.state, self.described(files, token, environment))
        print(self.ready_text(folder, lab_token), flush=True)
        self.watch([proxy, shop], lab)

    # -- parts -------------------------------------------------------------------------------

    def new_folder(self) -> Path:
        """The demo's temp folder, for its own account only."""
        with held():
            folder = new_folder("devinprod-demo-", None)
            GUARD.folder(folder)
            self.undo.callback(GUARD.forget_folder, folder)
            self.undo.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def child(
        self, name: str, log: str, arguments: list[str], ready: str, own: dict[str, str], folder: Path
    ) -> Child:
        """A child that is stopped with the demo."""
        child = Child(
            name,
            [sys.executable, *arguments],
            log=folder / f"{log}.log",
            ready=answers(ready),
            own=own,
            folder=folder,
        )
        self.undo.callback(child.stop)
        return child

    def proxy(self, files: Files) -> Child:
        """The proxy before the replica."""
        arguments = ["-m", "devinprod_proxy", "proxy", "--config", str(files.config)]
        ready = f"http://127.0.0.1:{self.ports['control']}/readyz"
        return self.child("proxy", "proxy", arguments, ready, {}, files.folder)

    def shop(self, files: Files) -> Child:
        """The shop's service on the primary: the code as shipped, not the developer's copy."""
        arguments = [
            "-m", "uvicorn", "shop_service.app:app", "--app-dir", str(demo_files.notebooks_source()),
            "--host", "127.0.0.1", "--port", str(self.ports["shop"]), "--no-access-log",
        ]  # fmt: skip
        own = {
            "SHOP_DATABASE_URL": self.cluster.url("primary", SERVICE_ROLE),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        ready = f"http://127.0.0.1:{self.ports['shop']}/healthz"
        return self.child("shop", "shop", arguments, ready, own, files.folder)

    def lab(self, folder: Path, token: str, environment: dict[str, str]) -> Child:
        """JupyterLab on a copy of the notebooks; its kernels find the proxy by *environment*."""
        files = Files(folder)
        demo_files.copy_notebooks(files)
        arguments = [
            "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={files.notebooks}",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.ports['lab']}", "--ServerApp.port_retries=0",
            "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        if os.geteuid() == 0:
            arguments.append("--allow-root")
        # A terminal in JupyterLab, and `!` in a cell, find `devinprod`.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        own = {**demo_files.jupyter_environment(files, token), **environment, "PATH": path}
        ready = f"http://127.0.0.1:{self.ports['lab']}/api"
        return self.child("JupyterLab", "jupyterlab", arguments, ready, own, folder)

    # -- words -------------------------------------------------------------------------------

    def described(self, files: Files, token: str, environment: dict[str, str]) -> dict[str, object]:
        """What the state file says."""
        return {
            "dsn": f"postgresql://{USER}%2Fdemo:{PASSWORD}@127.0.0.1:{self.ports['proxy']}/{TARGET}",
            "primary_dsn": self.cluster.url("primary"),
            "replica_dsn": self.cluster.url("replica"),
            "control": f"http://127.0.0.1:{self.ports['control']}",
            "policy": str(files.policy),
            "audit": str(files.audit),
            "token": token,
            "pid": os.getpid(),
            "env": environment,
            "shop": f"http://127.0.0.1:{self.ports['shop']}",
        }

    def ready_text(self, folder: Path, lab_token: str) -> str:
        """What to open now."""
        psql = "psql" if shutil.which("psql") else find_postgres().program("psql")
        lines = ["devinprod demo is ready"]
        if not self.headless:
            lab = f"http://127.0.0.1:{self.ports['lab']}/lab/tree/tour.ipynb?token={lab_token}"
            lines.append(f"  JupyterLab   {lab}")
        shop = f"http://127.0.0.1:{self.ports['shop']}"
        where = f"host=127.0.0.1 port={self.ports['proxy']} user={USER}/demo dbname={TARGET}"
        return "\n".join(
            [
                *lines,
                f'  Shop         {shop}          the "production" service, on the primary',
                f"  psql         {psql} '{where}'   password: {PASSWORD}",
                f"  Files        {folder}   configuration, policy, logs; the record is in audit/",
                "Ctrl-C stops everything and removes it.",
            ]
        )

    # -- while it runs -----------------------------------------------------------------------

    def watch(self, parts: list[Child], lab: Child | None) -> None:
        """Start again what falls over; end with JupyterLab, with a server, or by a signal."""
        restarts: list[float] = []
        while True:
            time.sleep(0.2)
            for part in parts:
                status = part.ended()
                if status is None:
                    continue
                now = time.monotonic()
                restarts = [*(moment for moment in restarts if now - moment < 60), now]
                if len(restarts) > _RESTARTS:
                    part.wait_until_ready(0)
                    raise DemoFailed(f"{part.name} ended {len(restarts)} times within a minute")
                print(f"  {part.name} ended with status {status}; starting it again", flush=True)
                part.stop()
                part.start()
                part.wait_until_ready()
            if not self.cluster.running():
                raise DemoFailed("a PostgreSQL server of the demo has ended")
            if lab is not None and lab.ended() is not None:
                print("JupyterLab was shut down", flush=True)
                return


def _ports(headless: bool) -> dict[str, int]:
    """A port for each part: the usual one if nothing uses it and people look at it, else a free one."""
    ports: dict[str, int] = {}
    with ExitStack() as taken:
        # All stay open until each has its own, so that no two get the same.
        for name, usual in _PORTS.items():
            probe = taken.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", 0 if headless else usual))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
    return ports


__all__ = ["run_demo"]
