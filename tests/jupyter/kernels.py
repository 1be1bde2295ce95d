"""How do tests run cells in a real IPython kernel?

As a notebook's front end does, over jupyter_client: one process, folders of its own, the outputs of each
cell as they would be shown.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

SECONDS = 60
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """What a cell showed."""

    status: str = ""
    error: str = ""  # the name of the exception
    traceback: str = ""
    text: str = ""  # stdout
    stderr: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """The cell's value as plain text."""
        return str(self.shown[-1].get("text/plain", "")) if self.shown else ""

    @property
    def html(self) -> str:
        """The cell's value as HTML."""
        return str(self.shown[-1].get("text/html", "")) if self.shown else ""

    @property
    def everything(self) -> str:
        """All that anybody could read."""
        return "\n".join([self.text, self.stderr, self.traceback, self.error, *map(str, self.shown)])


class Kernel:
    """A running kernel."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def start(self, code: str, cell: str = "a-cell") -> str:
        """Start a cell, as JupyterLab does with the cell's id; the number is for `finish`."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(self, number: str) -> Ran:
        """Wait for the cell, collect what it showed."""
        ran = Ran()
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                if content["name"] == "stdout":
                    ran.text += content["text"]
                else:
                    ran.stderr += content["text"]
            elif kind in {"execute_result", "display_data"}:
                ran.shown.append(content["data"])
            elif kind == "error":
                ran.error = content["ename"]
                ran.traceback = ANSI.sub("", "\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                break
        while (reply := self.client.get_shell_msg(timeout=SECONDS))["parent_header"].get("msg_id") != number:
            pass  # an answer to what was asked while the kernel started
        ran.reply = reply["content"]
        ran.status = ran.reply["status"]
        return ran

    def run(self, code: str, cell: str = "a-cell") -> Ran:
        """Run a cell."""
        return self.finish(self.start(code, cell))

    def ok(self, code: str, cell: str = "a-cell") -> Ran:
        """Run a cell that must not fail."""
        ran = self.run(code, cell)
        assert ran.status == "ok", f"{ran.reply}\n{ran.everything}"
        return ran

    def interrupt(self) -> None:
        """The stop button."""
        self.manager.interrupt_kernel()


@contextmanager
def running_kernel(own: Path, env: Mapping[str, str]) -> Iterator[Kernel]:
    """A kernel that starts in `own`, with `env` in place of every DEVINPROD_, PG and JUPYTER variable."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DEVINPROD_", "PG", "JUPYTER", "JPY"))
    }
    folders = {
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "XDG_CONFIG_HOME": str(own / "xdg"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    manager, client = _start(own, {**inherited, **folders, **env})
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def _start(own: Path, env: dict[str, str]) -> tuple[Any, Any]:
    manager = KernelManager(connection_file=str(own / "kernel.json"))
    # The interpreter of the tests, not whatever kernelspec this machine has.
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
    )
    manager.start_kernel(env=env, cwd=str(own))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
    except RuntimeError:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        raise
    return manager, client
