"""The control API over real HTTP, on worlds that live in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from devinprod_proxy.config import Listen
from devinprod_proxy.errors import AuditUnavailable, ClientFault, UpstreamFault
from devinprod_proxy.server.control import BODY_BYTES, Control, Worlds, metrics_text
from devinprod_proxy.server.users import Users

Fields = dict[str, object]


class MemoryWorlds:
    """Sessions that hold nothing but their names; some methods answer at once, some when awaited."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Fields] = {}
        self.cells_held: dict[str, Fields] = {}
        self.listeners: list[tuple[str, asyncio.Queue[Fields]]] = []
        self.is_ready = True
        self.asked: list[object] = []

    def sessions(self, user: str) -> list[Fields]:
        return [fields for (owner, _), fields in self.held.items() if owner == user]

    def session(self, user: str, name: str) -> Fields:
        try:
            return self.held[user, name]
        except KeyError:
            raise ClientFault(f'there is no session "{name}"', sqlstate="3D000", hint="Open it.") from None

    async def open(self, user: str, name: str, target: str | None, reason: str | None) -> Fields:
        if target == "gone":
            raise UpstreamFault("the target does not answer", sqlstate="08001")
        if target == "full":
            raise AuditUnavailable("disk full")
        if target == "bug":
            raise RuntimeError("a secret that must not be shown")
        fields: Fields = {"name": name, "user": user, "target": target or "shop", "reason": reason}
        self.held[user, name] = fields
        for owner, queue in self.listeners:
            if owner == user:
                queue.put_nowait({"event": "session", "session": name, "state": "clean"})
        return fields

    async def reset(self, user: str, name: str) -> Fields:
        return {"session": self.session(user, name), "ms": 1.5, "lost": {"statements": 0, "rows": 0}}

    async def end(self, user: str, name: str) -> Fields:
        self.session(user, name)
        del self.held[user, name]
        return {"ended": True}

    async def changes(self, user: str, name: str) -> Fields:
        self.session(user, name)
        return {"session": name, "tables": []}

    def statements(self, user: str, name: str, after: str | None, limit: int) -> Fields:
        self.session(user, name)
        self.asked.append((after, limit))
        return {"statements": [{"asked": "SELECT '\udcff'"}], "last": after}

    def limits(self, user: str, name: str) -> Fields:
        self.session(user, name)
        return {"people": {"used": 0, "limit": 500, "per": "day"}}

    def policy(self, user: str, table: str, target: str | None) -> Fields:
        return {"table": table, "columns": []}

    def cells(self, user: str, session: str) -> Fields:
        return {"cells": list(self.cells_held.values())}

    def open_cell(self, user: str, fields: Fields) -> Fields:
        self.cells_held["7"] = fields
        return {"id": "7"}

    def close_cell(self, user: str, id: str, fields: Fields) -> Fields:
        if id not in self.cells_held:
            raise ClientFault("there is no such cell", sqlstate="42704")
        return {"id": id, **fields}

    async def subscribe(self, user: str) -> AsyncIterator[Fields]:
        queue: asyncio.Queue[Fields] = asyncio.Queue()
        self.listeners.append((user, queue))
        try:
            while True:
                yield await queue.get()
        finally:
            self.listeners.remove((user, queue))

    def metrics(self) -> Mapping[str, float]:
        return {"devinprod_sessions": len(self.held), "devinprod_statements_total": 3.0}

    def ready(self) -> bool:
        return self.is_ready


@pytest.fixture
def users(tmp_path: Path) -> Users:
    users = Users.load(tmp_path / "users.toml")
    users.add("alice", "pässword: with colon")
    users.add("bob", "other")
    return users


@pytest.fixture
def worlds() -> MemoryWorlds:
    return MemoryWorlds()


@pytest.fixture
def failed() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def url(worlds: MemoryWorlds, users: Users, failed: list[tuple[str, str]]) -> AsyncIterator[str]:
    implemented: Worlds = worlds
    control = Control(
        implemented, users, login_failed=lambda user, peer: failed.append((user, peer)), heartbeat=0.05
    )
    yield await control.start(Listen("127.0.0.1", 0))
    await control.close()


def client(url: str, users: Users, user: str = "alice") -> httpx.AsyncClient:
    token, _ = users.issue_token(user)
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


@pytest.fixture
async def alice(url: str, users: Users) -> AsyncIterator[httpx.AsyncClient]:
    async with client(url, users) as http:
        yield http


def error(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "hint", "sqlstate"}
    return answer.status_code, body["error"]["sqlstate"]


async def test_a_session_from_opening_to_end(alice: httpx.AsyncClient, worlds: MemoryWorlds) -> None:
    opened = await alice.post("/v1/sessions", json={"name": "bug", "target": "shop", "reason": "4711"})
    assert opened.json() == {"name": "bug", "user": "alice", "target": "shop", "reason": "4711"}
    assert opened.headers["cache-control"] == "no-store"
    assert (await alice.get("/v1/sessions")).json() == {"sessions": [opened.json()]}
    assert (await alice.get("/v1/sessions/bug")).json() == opened.json()
    assert (await alice.post("/v1/sessions/bug/reset")).json()["ms"] == 1.5
    assert (await alice.get("/v1/sessions/bug/changes")).json()["session"] == "bug"
    assert (await alice.get("/v1/sessions/bug/limits")).json()["people"]["limit"] == 500
    assert (await alice.get("/v1/sessions/bug/statements")).json()["last"] is None
    paged = await alice.get("/v1/sessions/bug/statements", params={"after": "41", "limit": "9999"})
    assert paged.json()["statements"][0]["asked"] == "SELECT '\udcff'"
    assert worlds.asked == [(None, 200), ("41", 200)]
    assert (await alice.get("/v1/policy", params={"table": "public.x"})).json()["table"] == "public.x"
    assert (await alice.delete("/v1/sessions/bug")).json() == {"ended": True}
    assert error(await alice.get("/v1/sessions/bug")) == (404, "3D000")


async def test_cells(alice: httpx.AsyncClient) -> None:
    opened = await alice.post("/v1/cells", json={"session": "bug", "cell_id": "c", "source": "x" * 5000})
    assert opened.json() == {"id": "7"}
    assert (await alice.get("/v1/cells", params={"session": "bug"})).json()["cells"][0]["cell_id"] == "c"
    end = {"outcome": "error", "error": {"type": "ValueError", "message": "no"}}
    assert (await alice.patch("/v1/cells/7", json=end)).json() == {"id": "7", **end}
    assert (await alice.patch("/v1/cells/7", json={"outcome": "ok", "error": None})).status_code == 200
    assert error(await alice.patch("/v1/cells/8", json={"outcome": "ok"})) == (404, "42704")


async def test_a_developer_sees_only_their_own(alice: httpx.AsyncClient, url: str, users: Users) -> None:
    await alice.post("/v1/sessions", json={"name": "bug"})
    async with client(url, users, "bob") as bob:
        assert (await bob.get("/v1/sessions")).json() == {"sessions": []}
        for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/reset"), ("GET", "/statements")]:
            assert error(await bob.request(method, f"/v1/sessions/bug{path}")) == (404, "3D000")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.1.b", "Basic YTpi", "bearer\u00ff x"])
async def test_without_a_token_there_is_nothing(url: str, worlds: MemoryWorlds, header: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for method, path in [
            *(("GET", "/v1/sessions"), ("POST", "/v1/sessions"), ("DELETE", "/v1/sessions/x")),
            *(("GET", "/v1/events"), ("POST", "/v1/cells"), ("GET", "/v1/cells"), ("PATCH", "/v1/cells/1")),
            *(("GET", "/v1/policy"), ("POST", "/v1/sessions/x/reset"), ("GET", "/v1/sessions/x/limits")),
        ]:
            answer = await http.request(method, path, headers={"Authorization": header.encode("latin-1")})
            assert error(answer) == (401, "28000")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert worlds.held == {}


async def test_login(url: str, users: Users, failed: list[tuple[str, str]]) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post("/v1/login", auth=("alice", "pässword: with colon"))
        assert set(answer.json()) == {"token", "expires_at", "user"}
        token = answer.json()["token"]
        assert users.check_token(token) == "alice"
        with_token = {"Authorization": f"Bearer {token}"}
        assert (await http.get("/v1/sessions", headers=with_token)).status_code == 200
        assert error(await http.post("/v1/login")) == (401, "28000")
        assert error(await http.post("/v1/login", headers={"Authorization": "Basic !"})) == (401, "28000")
        for user in ("alice", "nobody"):
            wrong = await http.post("/v1/login", auth=(user, "wrong"))
            assert (error(wrong), wrong.json()["error"]["message"]) == (
                (401, "28P01"),
                "password authentication failed",
            )
        assert failed == [("alice", "127.0.0.1"), ("nobody", "127.0.0.1")]
        for _ in range(8):
            await http.post("/v1/login", auth=("alice", "wrong"))
        assert error(await http.post("/v1/login", auth=("alice", "wrong"))) == (409, "53400")
        assert len(failed) == 10


async def test_faults_have_the_status_of_whose_they_are(alice: httpx.AsyncClient) -> None:
    async def opened(target: str) -> httpx.Response:
        return await alice.post("/v1/sessions", json={"name": "x", "target": target})

    assert error(await opened("gone")) == (503, "08001")
    assert error(await opened("full")) == (503, "58030")
    broken = await opened("bug")
    assert error(broken) == (500, "XX000")
    assert "secret" not in broken.text
    assert "Traceback" not in broken.text


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"[]", b"[" * 100_000, b"{}", b'{"name": 5}', b'{"name": ""}'),
        *(b'{"name": "a/b"}', b'{"name": "x", "target": []}', b'{"name": "x", "colour": "red"}'),
        json.dumps({"name": "x", "reason": "r" * 1001}).encode(),
    ],
)
async def test_bad_requests_are_explained(alice: httpx.AsyncClient, body: bytes) -> None:
    assert error(await alice.post("/v1/sessions", content=body)) == (400, "22023")


async def test_other_bad_requests(alice: httpx.AsyncClient) -> None:
    assert error(await alice.get("/v1/nowhere")) == (404, "08P01")
    assert error(await alice.put("/v1/sessions")) == (405, "08P01")
    assert error(await alice.post("/v1/cells", content=b"x" * (BODY_BYTES + 1))) == (413, "08P01")
    assert error(await alice.get("/v1/sessions/a%2Fb")) == (400, "22023")
    assert error(await alice.get("/v1/sessions/x/statements?limit=-1")) == (400, "22023")
    assert error(await alice.get("/v1/policy")) == (400, "22023")
    assert error(await alice.patch("/v1/cells/1", json={"outcome": "fine"})) == (400, "22023")
    assert error(await alice.patch("/v1/cells/1", json={"outcome": "ok", "error": 1})) == (400, "22023")


async def test_events_come_as_they_happen(
    alice: httpx.AsyncClient, url: str, users: Users, worlds: MemoryWorlds
) -> None:
    async with client(url, users, "bob") as bob, alice.stream("GET", "/v1/events", timeout=10) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        lines = stream.aiter_lines()
        assert await anext(lines) == ": devinprod"
        while not worlds.listeners:
            await anext(lines)
        await bob.post("/v1/sessions", json={"name": "bobs"})
        await alice.post("/v1/sessions", json={"name": "bug"})
        seen = []
        async for line in lines:
            seen.append(line)
            if line.startswith("data:"):
                break
        assert seen[-2:] == ["event: session", 'data: {"session":"bug","state":"clean"}']
        # Heartbeats go on, and end with the token.
        assert ": still here" in [await anext(lines) for _ in range(4)]
        users.remove("alice")
        assert all(line in ("", ": still here") for line in [line async for line in lines])
    assert worlds.listeners == []


async def test_the_proxys_end_ends_the_streams(worlds: MemoryWorlds, users: Users) -> None:
    control = Control(worlds, users)
    url = await control.start(Listen("127.0.0.1", 0))
    async with client(url, users) as http, http.stream("GET", "/v1/events", timeout=10) as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        await control.close()
        assert [line async for line in lines if line] == []


async def test_health_and_metrics_need_no_token(url: str, worlds: MemoryWorlds) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/healthz")).json() == {"alive": True}
        assert (await http.get("/readyz")).json() == {"ready": True}
        worlds.is_ready = False
        assert (await http.get("/readyz")).status_code == 503
        metrics = await http.get("/metrics")
        assert metrics.text == (
            "# TYPE devinprod_sessions gauge\ndevinprod_sessions 0\n"
            "# TYPE devinprod_statements_total counter\ndevinprod_statements_total 3\n"
        )


def test_metrics_of_several_labels_are_described_once() -> None:
    text = metrics_text({'lag_seconds{target="b"}': 0.5, 'lag_seconds{target="a"}': 1e9})
    assert (
        text == '# TYPE lag_seconds gauge\nlag_seconds{target="a"} 1000000000\nlag_seconds{target="b"} 0.5\n'
    )


async def test_a_unix_socket_and_an_address_in_use(
    tmp_path: Path, worlds: MemoryWorlds, users: Users, url: str
) -> None:
    control = Control(worlds, users)
    await control.start(Listen(path=tmp_path / "control"))
    transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "control"))
    async with httpx.AsyncClient(transport=transport, base_url="http://x", trust_env=False) as http:
        assert (await http.get("/healthz")).status_code == 200
    await control.close()
    with pytest.raises(OSError, match="in use"):
        await Control(worlds, users).start(Listen("127.0.0.1", int(url.rpartition(":")[2])))
