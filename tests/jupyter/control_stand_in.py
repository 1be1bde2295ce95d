"""A real HTTP server that answers as the proxy's control API does, for tests of what speaks to it.

It holds sessions in memory and does to them what a test, a reset or an end says; what it was asked,
and with which credential, stands in `requests`.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "token-of-the-proxy-3f9a"
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


@dataclass
class ControlStandIn:
    """The world behind the stand-in: change it, and the next answer shows it."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    statements: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    url: str = ""

    def add(self, described: dict[str, Any], statements: list[dict[str, Any]] | None = None) -> None:
        """Open a session."""
        self.sessions[described["name"]] = described
        self.statements[described["name"]] = list(statements or [])

    def env(self) -> dict[str, str]:
        """What a Jupyter server is started with to find this proxy."""
        return {"DEVINPROD_CONTROL": self.url, "DEVINPROD_TOKEN": TOKEN}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[ControlStandIn]:
        """Listen on loopback until the block ends; `port` 0 takes a free one."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.post("/v1/login", self._login),
                web.get("/v1/sessions", self._list),
                web.get("/v1/sessions/{name}", self._one),
                web.delete("/v1/sessions/{name}", self._end),
                web.post("/v1/sessions/{name}/reset", self._reset),
                web.get("/v1/sessions/{name}/{part}", self._part),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        self.requests.append((request.method, request.path_qs, authorization))
        if request.path != "/v1/login" and authorization.removeprefix("Bearer ") not in self.tokens:
            return _error(401, "The token is not valid or has run out.", "devinprod login", "28000")
        name = request.match_info.get("name")
        if name is not None and name not in self.sessions:
            return _error(404, f"There is no session {name}.", "devinprod session list", "3D000")
        response: web.StreamResponse = await handler(request)
        return response

    async def _login(self, request: web.Request) -> web.Response:
        wanted = "Basic " + base64.b64encode(f"demo:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return _error(401, "User or password is wrong.", None, "28P01")
        token = f"renewed-{len(self.requests)}"
        self.tokens = {token}
        return web.json_response({"token": token, "expires_at": "2026-11-25T10:00:00+00:00"})

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"sessions": list(self.sessions.values())})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self.sessions[request.match_info["name"]])

    async def _part(self, request: web.Request) -> web.Response:
        name, part = request.match_info["name"], request.match_info["part"]
        if part == "limits":
            return web.json_response(self.sessions[name]["limits"])
        if part == "changes":
            tables = self.sessions[name]["changes"]
            return web.json_response({"session": name, "exact": True, "tables": tables, "journal": []})
        known = self.statements[name]
        after = request.query.get("after")
        ids = [one["id"] for one in known]
        shown = known[ids.index(after) + 1 :] if after in ids else known
        return web.json_response(
            {"statements": shown[-int(request.query.get("limit", "200")) :], "last": ids[-1] if ids else None}
        )

    async def _reset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        before = self.sessions[name]
        self.sessions[name] = before | {"state": "clean", "changes": [], "change_count": 0}
        lost = {"statements": 3, "rows": before["change_count"]}
        return web.json_response({"session": self.sessions[name], "ms": 12.1, "lost": lost})

    async def _end(self, request: web.Request) -> web.Response:
        gone = self.sessions.pop(request.match_info["name"])
        return web.json_response(
            {
                "ended": True,
                "statements": gone["statements"],
                "rows_changed": gone["change_count"],
                "journal": [],
            }
        )


def _error(status: int, message: str, hint: str | None, sqlstate: str | None) -> web.Response:
    return web.json_response(
        {"error": {"message": message, "hint": hint, "sqlstate": sqlstate}}, status=status
    )
