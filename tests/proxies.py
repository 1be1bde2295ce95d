"""A real proxy for tests: the very program, as a process of its own, on free ports."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

USERS = ("ann", "bob")
PASSWORD = "s3cret-Pässword"  # SASLprep and UTF-8 on every login


class Proxy:
    """One running ``devinprod proxy`` and its folder; ``wire`` has every byte that clients got."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        policy: str | Path,
        *,
        limits: Mapping[str, object] | None = None,
        kind: str = "auto",
        proxy_extra: str = "",
        target_extra: str = "",
        environ: Mapping[str, str] | None = None,
        listen: str = "127.0.0.1:0",
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        text = policy.read_text() if isinstance(policy, Path) else policy
        self.policy = folder / "policy.toml"
        self.policy.write_text(text)
        key = folder / "mask.key"
        if not key.exists():
            key.write_text(secrets.token_hex(32) + "\n")
            key.chmod(0o600)
        self.config = folder / "devinprod.toml"
        chosen = {"statements_per_minute": 10_000_000, "subjects_per_day": 1_000_000, **(limits or {})}
        lines = [f"{name} = {json.dumps(value)}" for name, value in chosen.items()]
        self.config.write_text(
            "[proxy]\n"
            f'listen = "{listen}"\ncontrol = "127.0.0.1:0"\n'
            'users = "users.toml"\naudit = "audit/"\n'
            f"{proxy_extra}\n"
            "[target.shop]\n"
            f"dsn = {json.dumps(dsn)}\n"
            f'policy = "policy.toml"\nkind = "{kind}"\nmask_key = {{ file = "mask.key" }}\n{target_extra}\n'
            "[limits]\n" + "\n".join(lines) + "\n"
        )
        self.config.chmod(0o600)
        self.environ = {**os.environ, **(environ or {})}
        if not (folder / "users.toml").exists():
            for user in USERS:
                self.command(
                    "user", "add", user, "--config", str(self.config), "--password-stdin", text=PASSWORD
                )
        self.process: subprocess.Popen[bytes] | None = None
        self.port = self.control_port = 0
        self.start()

    @staticmethod
    def command(*words: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``devinprod WORDS`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "devinprod_proxy", *words],
            input=text + "\n",
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def start(self) -> None:
        """Start the process and wait until it says where it listens."""
        self.log = self.folder / "proxy.log"
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devinprod_proxy", "proxy", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environ,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            said = self.log.read_bytes()[begin:].decode()
            found = re.search(r"listening on [\d.]+:(\d+).*control API on http://127\.0\.0\.1:(\d+)", said)
            if found:
                self.port, self.control_port = int(found[1]), int(found[2])
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"the proxy ended: {said}")
            select_wait(0.02)
        raise TimeoutError("the proxy did not start")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the process (SIGKILL too) and wait for it."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def dsn(self, session: str = "default", user: str = "ann", **extra: str) -> str:
        """A connection string for a session."""
        settings = {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": f"{user}/{session}",
            "password": PASSWORD,
            "dbname": "shop",
            **extra,
        }
        return psycopg.conninfo.make_conninfo("", **settings)

    def connect(self, session: str = "default", user: str = "ann", **options: Any) -> psycopg.Connection[Any]:
        """A psycopg connection to a session, in autocommit unless told otherwise."""
        options.setdefault("autocommit", True)
        return psycopg.connect(self.dsn(session, user), **options)

    def token(self, user: str = "ann") -> str:
        """A bearer token of the control API."""
        import base64

        basic = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/v1/login",
            method="POST",
            data=b"{}",
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["token"])

    def api(self, method: str, path: str, body: object = None, user: str = "ann") -> Any:
        """Call the control API; gives the JSON of the answer, raises HTTPError for a refusal."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token(user)}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def records(self) -> list[dict[str, Any]]:
        """All records of the audit so far."""
        found: list[dict[str, Any]] = []
        for segment in sorted((self.folder / "audit").glob("*.jsonl")):
            found += [json.loads(line) for line in segment.read_bytes().splitlines() if line]
        return found


def select_wait(seconds: float) -> None:
    """Yield the processor between two looks at a condition."""
    import select

    select.select([], [], [], seconds)


def until(condition: Any, seconds: float = 15.0) -> Any:
    """The first true value of *condition*, looked at again and again; AssertionError after *seconds*."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {seconds} s: {condition}")
        select_wait(0.01)
