"""How do tests start a real Jupyter server or JupyterLab?

As a child process with folders of its own (configuration, data, runtime, workspaces, IPython): it
sees nothing of the person's own Jupyter and leaves nothing behind. The token goes by the
environment; a process list must not show it.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_STARTED = re.compile(r"https?://127\.0\.0\.1:(\d+)/")
_START_SECONDS = 60


@dataclass
class Lab:
    """A running server: `url` ends with a slash, `folder` is what it serves."""

    url: str
    token: str = field(repr=False)
    folder: Path
    pid: int
    log: list[str] = field(repr=False)

    def page(self, path: str = "lab") -> str:
        """The address of a page of it, as a browser opens it."""
        return f"{self.url}{path}?token={self.token}"


@contextmanager
def running_lab(
    own: Path, *, env: Mapping[str, str] | None = None, app: str = "lab", arguments: Sequence[str] = ()
) -> Iterator[Lab]:
    """Run JupyterLab (or `app="server"`, the server alone) until the block ends.

    `own` is an empty folder for everything it writes; `own/notebooks` is what it serves. `env` is
    added to an environment without any DEVINPROD_ or JUPYTER variable of the caller's.
    Raises RuntimeError with its log if it does not start.
    """
    notebooks = own / "notebooks"
    notebooks.mkdir(parents=True, exist_ok=True)
    _announce_nothing(own / "config")
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyter", app, "--no-browser", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--ServerApp.root_dir={notebooks}", "--ServerApp.allow_root=True",
        *(["--LabApp.expose_app_in_browser=True"] if app == "lab" else []), *arguments,
    ]  # fmt: skip
    child = subprocess.Popen(
        command,
        env=_environment(own, token) | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=notebooks,
        start_new_session=True,  # Ctrl-C at the tests is ours to pass on
    )
    log: list[str] = []
    ports: list[int] = []
    settled = threading.Event()

    def read() -> None:
        assert child.stderr is not None
        for line in child.stderr:
            log.append(line.rstrip("\n"))
            found = _STARTED.search(line)
            if found and not ports:
                ports.append(int(found[1]))
                settled.set()
        settled.set()

    reader = threading.Thread(target=read, name="jupyter-log", daemon=True)
    reader.start()
    try:
        if not settled.wait(_START_SECONDS) or not ports:
            raise RuntimeError("Jupyter did not start:\n" + "\n".join(log[-40:]))
        yield Lab(f"http://127.0.0.1:{ports[0]}/", token, notebooks, child.pid, log)
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        reader.join(5)
        if child.stderr is not None:
            child.stderr.close()


def _environment(own: Path, token: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DEVINPROD_", "JUPYTER"))}
    return kept | {
        "HOME": str(own / "home"),
        "XDG_CONFIG_HOME": str(own / "home" / ".config"),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTER_TOKEN": token,
        # A kernel from the environment that the tests run in.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def _announce_nothing(config: Path) -> None:
    """No question about news, which would cover the page and ask another host."""
    folder = config / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page_config.json").write_text(
        '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}', encoding="utf-8"
    )
