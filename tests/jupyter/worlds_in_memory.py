"""The proxy's real control API over sessions that a test makes up.

HTTP, users, tokens and errors are the product's own; what the sessions hold is in memory, so that
a test can show every state of them at once. Change a session, and the next answer shows it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devinprod_proxy.config import Listen
from devinprod_proxy.errors import ClientFault
from devinprod_proxy.server.control import Control
from devinprod_proxy.server.users import Users

USER = "demo"
PASSWORD = "password-of-the-proxy-77c1"


def limits(**used: int) -> dict[str, Any]:
    """A budget with some of it used."""

    def meter(name: str, limit: int, per: str) -> dict[str, Any]:
        return {"used": used.get(name, 0), "limit": limit, "per": per}

    return {
        "people": meter("people", 500, "day"),
        "statements": meter("statements", 6000, "minute"),
        "rows": meter("rows", 1_000_000, "minute"),
        "bytes": meter("bytes", 1 << 30, "minute"),
        "lookups": meter("lookups", 30, "hour"),
        "idle": {"seconds_left": 1795.0, "limit": 1800.0},
        "age": {"seconds_left": 27_900.0, "limit": 28_800.0},
    }


def session(name: str, **changed: Any) -> dict[str, Any]:
    """A session as the control API describes it."""
    return {
        "name": name,
        "user": "demo",
        "role": "developer",
        "target": "shop",
        "kind": "subscriber",
        "reason": "ticket 4711: total is wrong",
        "state": "clean",
        "lost_reason": None,
        "opened_at": "2026-11-24T10:00:00.000000+00:00",
        "age_s": 900.0,
        "idle_s": 5.0,
        "expires_at": "2026-11-24T18:00:00.000000+00:00",
        "lag_s": 0.2,
        "clients": 1,
        "statements": 0,
        "changes": [],
        "change_count": 0,
        "masked_columns": 9,
        "columns": 61,
        "limits": limits(),
        "read_only": False,
        "proxy_version": "0.1.0",
        **changed,
    }


def statement(number: int, asked: str, **changed: Any) -> dict[str, Any]:
    """A statement as the control API describes it."""
    verb = asked.split()[0].upper()
    return {
        "id": f"s{number}",
        "at": f"2026-11-24T10:{number // 60:02}:{number % 60:02}.000000+00:00",
        "client": "psycopg 127.0.0.1:50123",
        "application": "tour.ipynb",
        "cell": None,
        "kind": "read" if verb == "SELECT" else "write",
        "verb": verb,
        "table": None,
        "asked": asked,
        "run": asked,
        "masked": [],
        "rows": 1,
        "bytes": 100,
        "ms": 1.2,
        "sqlstate": None,
        "refused": False,
        "running": False,
        **changed,
    }


class WorldsInMemory:
    """What stands behind the control API: `sessions` and `statements` by name; `asked` counts questions."""

    def __init__(self, users_file: Path) -> None:
        self.users = Users.load(users_file)
        if USER not in self.users.names():
            self.users.add(USER, PASSWORD)
        self.held: dict[str, dict[str, Any]] = {}
        self.ran: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.failed_logins: list[str] = []
        self.url = ""

    @property
    def token(self) -> str:
        """A token of the developer's."""
        return self.users.issue_token(USER)[0]

    def add(self, described: dict[str, Any], statements: list[dict[str, Any]] | None = None) -> None:
        """Open a session."""
        self.held[described["name"]] = described
        self.ran[described["name"]] = list(statements or [])

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[WorldsInMemory]:
        """Listen on loopback until the block ends; `port` 0 takes a free one."""
        control = Control(self, self.users, login_failed=lambda user, peer: self.failed_logins.append(user))
        self.url = await control.start(Listen("127.0.0.1", port))
        try:
            yield self
        finally:
            await control.close()

    def sessions(self, user: str) -> list[dict[str, Any]]:
        self.asked.append(("sessions", user))
        return list(self.held.values())

    def session(self, user: str, name: str) -> dict[str, Any]:
        self.asked.append(("session", user))
        if name not in self.held:
            raise ClientFault(
                f"there is no session {name}", sqlstate="3D000", hint="devinprod session list shows yours."
            )
        return self.held[name]

    def open(self, user: str, name: str, target: str | None, reason: str | None) -> dict[str, Any]:
        self.add(session(name, user=user, target=target or "shop", reason=reason))
        return self.held[name]

    def limits(self, user: str, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.session(user, name)["limits"]
        return described

    def changes(self, user: str, name: str) -> dict[str, Any]:
        tables = self.session(user, name)["changes"]
        return {"session": name, "exact": True, "tables": tables, "journal": []}

    def statements(self, user: str, name: str, after: str | None, limit: int) -> dict[str, Any]:
        self.session(user, name)
        ran = self.ran[name]
        ids = [one["id"] for one in ran]
        shown = ran[ids.index(after) + 1 :] if after in ids else ran
        return {"statements": shown[-limit:], "last": ids[-1] if ids else None}

    def reset(self, user: str, name: str) -> dict[str, Any]:
        before = self.session(user, name)
        self.held[name] = before | {"state": "clean", "changes": [], "change_count": 0}
        lost = {"statements": 3, "rows": before["change_count"]}
        return {"session": self.held[name], "ms": 12.1, "lost": lost}

    def end(self, user: str, name: str) -> dict[str, Any]:
        gone = self.session(user, name)
        del self.held[name]
        changed = gone["change_count"]
        return {"ended": True, "statements": gone["statements"], "rows_changed": changed, "journal": []}

    def policy(self, user: str, table: str, target: str | None) -> dict[str, Any]:
        raise NotImplementedError("nothing that is tested with this asks for it")

    def cells(self, user: str, session: str) -> dict[str, Any]:
        raise NotImplementedError("nothing that is tested with this asks for it")

    def open_cell(self, user: str, fields: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError("nothing that is tested with this asks for it")

    def close_cell(self, user: str, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError("nothing that is tested with this asks for it")

    def subscribe(self, user: str) -> AsyncIterator[dict[str, Any]]:
        raise NotImplementedError("nothing that is tested with this asks for it")

    def metrics(self) -> Mapping[str, float]:
        return {}

    def ready(self) -> bool:
        return True
