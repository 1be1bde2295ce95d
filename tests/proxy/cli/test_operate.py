"""The proxy as a process: it starts, says where it listens, and stops when it is told to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from devinprod_proxy.cli import main
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.server.users import Users

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(config: Path) -> Iterator[Started]:
    """``devinprod proxy`` for a target; killed at the end if it still runs."""
    running: list[subprocess.Popen[str]] = []

    def started(dsn: str, *, listen: str = "127.0.0.1:0") -> subprocess.Popen[str]:
        config.write_text(
            f'[proxy]\nlisten = "{listen}"\ncontrol = "127.0.0.1:0"\n[target.shop]\ndsn = "{dsn}"\n'
            'policy = "policy.toml"\nmask_key = { file = "mask.key" }\n'
        )
        config.chmod(0o600)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "devinprod_proxy", "proxy", "--config", str(config)]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ))
        return running[-1]

    yield started
    for process in running:
        with process:
            process.kill()


def listening(process: subprocess.Popen[str]) -> int:
    """The port that a started proxy says it listens on."""
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", json.loads(line)["message"])
        if found:
            return int(found[1])
    raise AssertionError("the proxy ended before it listened")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_serves_and_stops(
    start: Started, replica_conninfo: str, config: Path, number: signal.Signals
) -> None:
    Users.load(config.parent / "users.toml").add("alice", "pass:word")
    process = start(replica_conninfo)
    port = listening(process)
    where = f"host=127.0.0.1 port={port} user=alice/bug dbname=shop"
    with psycopg.connect(f"{where} password=pass:word", autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchone() is not None
        process.send_signal(number)
        assert process.wait(20) == 0
    assert main(["audit", "verify", "--config", str(config)]) == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def refused(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in said
    return said


def test_an_unnamed_primary_stops_it(start: Started, cluster: Cluster) -> None:
    assert 'kind = \\"clone\\"' in json.dumps(refused(start(cluster.primary_dsn)))


def test_an_unreachable_target_stops_it(start: Started) -> None:
    said = refused(start("host=127.0.0.1 port=1 user=u dbname=d password=hunter2"))
    assert "hunter2" not in said


def test_an_address_in_use_stops_it(start: Started, replica_conninfo: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(start(replica_conninfo, listen=f"127.0.0.1:{port}"))
    assert f"'127.0.0.1', {port}" in said


def test_an_audit_folder_in_use_stops_it(start: Started, replica_conninfo: str) -> None:
    first = start(replica_conninfo)
    listening(first)
    second = start(replica_conninfo)
    assert "another running proxy" in refused(second)
