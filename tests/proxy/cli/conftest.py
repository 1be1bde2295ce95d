"""A control API for commands to talk to, in a thread, on sessions that live in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from devinprod_proxy.config import Listen
from devinprod_proxy.errors import ClientFault
from devinprod_proxy.server.control import Control
from devinprod_proxy.server.users import Users

Json = dict[str, Any]


class OneSession:
    """Alice's session ``bug``; whatever else is asked for does not exist."""

    def __init__(self) -> None:
        self.bug: Json | None = {
            "name": "bug", "user": "alice", "role": "developer", "target": "shop", "kind": "subscriber",
            "reason": "ticket\n\x1b[31m4711", "state": "dirty", "lost_reason": None, "age_s": 3725.0,
            "idle_s": 61.0, "opened_at": "2026-01-31T10:00:00Z", "expires_at": "2026-01-31T18:00:00Z",
            "clients": 2, "statements": 41, "change_count": 5, "masked_columns": 9, "columns": 61,
            "limits": {"people": {"used": 3, "limit": 500, "per": "day"}, "idle": {"seconds_left": 5}},
            "changes": [{"schema": "public", "table": "orders", "inserted": 1, "updated": 4, "deleted": 0}],
        }  # fmt: skip

    def session(self, user: str, name: str) -> Json:
        if (user, name) != ("alice", "bug") or self.bug is None:
            raise ClientFault(f'there is no session "{name}"', sqlstate="3D000", hint="Yours: bug.")
        return self.bug

    def open(self, user: str, name: str, target: str | None, reason: str | None) -> Json:
        return self.session(user, name)

    def sessions(self, user: str) -> list[Json]:
        return [self.bug] if user == "alice" and self.bug else []

    def changes(self, user: str, name: str) -> Json:
        journal = [{"at": "2026-01-31T10:00:01Z", "rows": 4, "asked": "UPDATE orders", "undone": True}]
        return {"tables": self.session(user, name)["changes"], "exact": False, "journal": journal}

    def reset(self, user: str, name: str) -> Json:
        return {"session": self.session(user, name), "ms": 12.1, "lost": {"statements": 5, "rows": 9}}

    def end(self, user: str, name: str) -> Json:
        self.session(user, name)
        self.bug = None
        return {"ended": True, "statements": 41, "rows_changed": 5}


@pytest.fixture
def control(tmp_path: Path) -> Iterator[str]:
    """The URL of a control API whose users are alice and bob, both with the password ``pass:word``."""
    users = Users.load(tmp_path / "etc" / "users.toml")
    users.add("alice", "pass:word")
    users.add("bob", "pass:word")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    server = Control(OneSession(), users)  # type: ignore[arg-type]  # as much of it as the commands use
    try:
        yield run(server.start(Listen("127.0.0.1", 0)))
    finally:
        run(server.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of the machine that the tests run on."""
    for name in ("PROXY", "CONTROL", "USER", "PASSWORD", "TOKEN", "TARGET", "SSLMODE", "SSLROOTCERT"):
        monkeypatch.delenv(f"DEVINPROD_{name}", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def as_alice(monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    """The variables of alice's shell."""
    monkeypatch.setenv("DEVINPROD_PROXY", "127.0.0.1:6543")
    monkeypatch.setenv("DEVINPROD_CONTROL", control)
    monkeypatch.setenv("DEVINPROD_USER", "alice")
    monkeypatch.setenv("DEVINPROD_PASSWORD", "pass:word")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A devinprod.toml, with all that it names."""
    (tmp_path / "policy.toml").write_text("version = 1\n")
    (tmp_path / "mask.key").write_text("ab" * 32)
    (tmp_path / "mask.key").chmod(0o600)
    file = tmp_path / "devinprod.toml"
    file.write_text(
        '[target.shop]\ndsn = "host=127.0.0.1 user=devinprod"\npolicy = "policy.toml"\n'
        'mask_key = { file = "mask.key" }\n'
    )
    return file
