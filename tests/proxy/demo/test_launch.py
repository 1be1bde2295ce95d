"""Does the whole demo start, say where everything is, and go without a trace however it ends?"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

_pause = threading.Event()


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        _pause.wait(0.02)


class Demo:
    """A demo in a process of its own, with a temp folder of its own to look into afterwards."""

    def __init__(self, *arguments: str, temp: Path) -> None:
        self.temp = temp
        self.state_file = temp.with_name(f"{temp.name}.json")
        command = [sys.executable, "-m", "devinprod_proxy", "demo", "--state", str(self.state_file)]
        self.process = subprocess.Popen(
            [*command, "--rows", "200", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(temp)},
            start_new_session=True,
        )

    def state(self) -> dict[str, Any]:
        """The state file, once it is there."""
        until(lambda: self.state_file.exists() or self.process.poll() is not None, "the demo is ready")
        assert self.process.poll() is None, self.process.communicate()[0]
        content: dict[str, Any] = json.loads(self.state_file.read_text())
        return content

    def processes(self) -> dict[int, str]:
        """All processes that the demo started, by what they were started with; no zombies."""
        found = {}
        mark = f"TMPDIR={self.temp}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                belongs = mark in (entry / "environ").read_bytes() or str(self.temp) in line
                if state != "Z" and belongs and int(entry.name) != os.getpid():
                    found[int(entry.name)] = line
        return found

    def assert_nothing_is_left(self) -> None:
        assert self.processes() == {}
        assert list(self.temp.iterdir()) == []
        assert not self.state_file.exists()

    def end(self) -> None:
        """Whatever a failed test left running."""
        with self.process:
            if self.process.poll() is None:
                self.process.terminate()


@pytest.fixture
def demo() -> Iterator[Callable[..., Demo]]:
    """Starts demos; the servers' account has to be able to enter their temp folder."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        temp = Path(tempfile.mkdtemp(prefix="demo-test-", dir="/tmp"))
        temp.chmod(0o755)
        started.append(Demo(*arguments, temp=temp))
        return started[-1]

    yield start
    for one in started:
        one.end()
        shutil.rmtree(one.temp, ignore_errors=True)
        one.state_file.unlink(missing_ok=True)  # a killed demo leaves it


def first_lines(demo: Demo, word: str) -> str:
    """Reads on until a line with *word*."""
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        if word in line:
            return line
    raise AssertionError(f"the demo ended before it said {word!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_undoes_what_was_done(
    demo: Callable[..., Demo], number: signal.Signals
) -> None:
    one = demo("--headless")
    first_lines(one, "primary")
    one.process.send_signal(number)
    one.process.communicate(timeout=30)
    assert one.process.returncode == 0
    one.assert_nothing_is_left()


def test_killed_while_it_starts_nothing_stays(demo: Callable[..., Demo]) -> None:
    one = demo()  # with JupyterLab, which starts first
    first_lines(one, "primary")
    one.process.kill()
    one.process.communicate()
    until(lambda: one.processes() == {} and not list(one.temp.iterdir()), "everything is gone")


def test_headless_says_where_everything_is_and_stops_on_sigterm(demo: Callable[..., Demo]) -> None:
    one = demo("--headless")
    state = one.state()
    assert one.state_file.stat().st_mode & 0o077 == 0
    with psycopg.connect(state["dsn"]) as session:
        shown = session.execute("SELECT name, email FROM customers ORDER BY id LIMIT 50").fetchall()
    with psycopg.connect(state["primary_dsn"]) as primary:
        real = primary.execute("SELECT name, email FROM customers ORDER BY id LIMIT 50").fetchall()
    with psycopg.connect(state["replica_dsn"]) as replica:
        assert replica.execute("SELECT name, email FROM customers ORDER BY id LIMIT 50").fetchall() == real
    assert not {email for _, email in shown if email} & {email for _, email in real if email}
    request = urllib.request.Request(
        f"{state['control']}/v1/sessions", headers={"Authorization": f"Bearer {state['token']}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        sessions = json.load(answer)["sessions"]
    assert [(session["name"], session["target"]) for session in sessions] == [("demo", "shop")]
    assert Path(state["policy"]).is_file()
    assert Path(state["audit"]).is_dir()
    assert state["pid"] == one.process.pid
    assert set(state["env"]) == {
        "DEVINPROD_PROXY",
        "DEVINPROD_CONTROL",
        "DEVINPROD_USER",
        "DEVINPROD_PASSWORD",
        "DEVINPROD_TOKEN",
        "DEVINPROD_TARGET",
        "DEVINPROD_DEMO_SHOP",
    }
    one.process.terminate()
    output, _ = one.process.communicate(timeout=30)
    assert one.process.returncode == 0, output
    one.assert_nothing_is_left()


@pytest.mark.parametrize("how", ["ctrl-c", "killed"])
def test_with_jupyterlab_and_a_kernel_nothing_stays(demo: Callable[..., Demo], how: str) -> None:
    one = demo()
    state = one.state()
    lab = urlsplit(first_lines(one, "JupyterLab   http").split()[1])
    start = f"http://{lab.netloc}/api/kernels?{lab.query}"
    with urllib.request.urlopen(urllib.request.Request(start, method="POST"), timeout=30) as answer:
        assert json.load(answer)["name"] == "python3"
    processes = one.processes()
    lines = "\n".join(processes.values())
    assert "ipykernel_launcher" in lines
    (kernel,) = [pid for pid, line in processes.items() if "ipykernel_launcher" in line]
    variables = os.fsdecode(Path(f"/proc/{kernel}/environ").read_bytes()).split("\0")
    (path,) = [variable for variable in variables if variable.startswith("PATH=")]
    assert shutil.which("devinprod", path=path.removeprefix("PATH=")), (
        "a terminal of JupyterLab finds the command"
    )
    assert Path(first_lines(one, "  Files  ").split()[1], "audit", "00000001.jsonl").is_file()
    secrets = (state["token"], psycopg.conninfo.conninfo_to_dict(state["primary_dsn"])["password"], lab.query)
    for secret in secrets:
        assert str(secret).removeprefix("token=") not in lines
    if how == "killed":
        one.process.kill()
        one.process.communicate()
        until(lambda: one.processes() == {} and not list(one.temp.iterdir()), "everything is gone")
        return
    os.killpg(one.process.pid, signal.SIGINT)  # as a terminal does
    output, _ = one.process.communicate(timeout=30)
    assert one.process.returncode == 0, output
    one.assert_nothing_is_left()


def test_without_its_primary_the_demo_ends_and_says_so(demo: Callable[..., Demo]) -> None:
    one = demo("--headless")
    one.state()
    (primary,) = [pid for pid, line in one.processes().items() if line.rstrip().endswith("/primary")]
    os.kill(primary, signal.SIGKILL)
    output, _ = one.process.communicate(timeout=30)
    assert one.process.returncode == 1
    assert "a PostgreSQL server of the demo has ended" in output
    one.assert_nothing_is_left()


def test_a_killed_proxy_is_started_again(demo: Callable[..., Demo]) -> None:
    one = demo("--headless")
    state = one.state()
    (proxy,) = [pid for pid, line in one.processes().items() if "devinprod_proxy proxy" in line]
    os.kill(proxy, signal.SIGKILL)
    first_lines(one, "starting it again")

    def back() -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(state["dsn"]) as session:
            return session.execute("SELECT 1").fetchone() == (1,)
        return False

    until(back, "the proxy answers again")


def test_too_few_rows_are_wrong_use(demo: Callable[..., Demo]) -> None:
    one = demo("--headless", "--rows", "10")
    output, _ = one.process.communicate(timeout=30)
    assert one.process.returncode == 2
    assert "--rows must be at least 200" in output
    one.assert_nothing_is_left()
