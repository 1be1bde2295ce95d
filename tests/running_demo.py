"""How do tests start the whole demo?

`devinprod demo --headless` as a child process, with a small shop; what its state file says is all that a
test needs to know of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 60
CUSTOMERS = 300


@dataclass(frozen=True)
class Demo:
    """A running demo: `env` is its clients' environment; two of the DSNs are an administrator's, direct."""

    env: dict[str, str] = field(repr=False)
    dsn: str = field(repr=False)
    primary_dsn: str = field(repr=False)
    replica_dsn: str = field(repr=False)
    audit: Path
    shop: str


@contextmanager
def running_demo(folder: Path, customers: int = CUSTOMERS) -> Iterator[Demo]:
    """Run the demo until the block ends; its state and output are in `folder`."""
    state, log = folder / "state.json", folder / "log"
    command = [
        sys.executable, "-m", "devinprod_proxy", "demo",
        "--headless", "--rows", str(customers), "--state", str(state),
    ]  # fmt: skip
    with log.open("w") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not state.exists():
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        said = json.loads(state.read_text())
        yield Demo(
            env=said["env"],
            dsn=said["dsn"],
            primary_dsn=said["primary_dsn"],
            replica_dsn=said["replica_dsn"],
            audit=Path(said["audit"]),
            shop=said["shop"],
        )
    finally:
        child.terminate()
        child.wait(START_SECONDS)
