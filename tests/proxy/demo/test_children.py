"""Do child processes come up, say why when they do not, and end with all that they started?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devinprod_proxy.demo.children import Child, DemoFailed, answers

SERVER = """
import http.server, os, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
waiting = [sys.executable, "-c", "import sys; sys.stdin.read()"]
below = subprocess.Popen(waiting, stdin=subprocess.PIPE, start_new_session=True)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.draft", "w").write(f"{server.server_port} {below.pid}")
os.rename("port.draft", "port")
print(sorted(name for name in os.environ if name.startswith(("PG", "DEVINPROD_"))), flush=True)
server.serve_forever()
"""

Make = Callable[..., Child]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Make]:
    made: list[Child] = []

    def make(code: str, ready: Callable[[], bool], **own: str) -> Child:
        arguments = [sys.executable, "-c", code]
        one = Child("part", arguments, log=tmp_path / "log", ready=ready, own=own, folder=tmp_path)
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_ready_by_http_and_ends_with_everything_below(
    child: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("DEVINPROD_TARGET", "elsewhere")
    file = tmp_path / "port"

    def ready() -> bool:
        return file.exists() and answers(f"http://127.0.0.1:{file.read_text().split()[0]}/readyz")()

    one = child(SERVER, ready, DEVINPROD_USER="demo")
    one.start()
    one.wait_until_ready(30)
    port, below = map(int, file.read_text().split())
    assert not answers(f"http://127.0.0.1:{port}/other")()
    assert (tmp_path / "log").read_text().startswith("['DEVINPROD_USER']\n")
    assert one.pid is not None
    assert os.getsid(one.pid) == one.pid
    pid = one.pid
    one.stop()
    one.stop()
    assert gone(pid)
    assert gone(below)


def test_what_fell_over_says_its_last_words(child: Make) -> None:
    one = child("raise SystemExit('no such table')", lambda: False)
    one.start()
    with pytest.raises(DemoFailed, match=r"(?s)part ended with status 1:.*no such table"):
        one.wait_until_ready(30)


def test_what_never_answers_is_given_up(child: Make) -> None:
    one = child("import signal; signal.pause()", lambda: False)
    one.start()
    with pytest.raises(DemoFailed, match="gives no answer"):
        one.wait_until_ready(0.5)
    assert one.ended() is None
