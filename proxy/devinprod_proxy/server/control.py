"""What can a developer's tools ask beside SQL?  The control API: JSON over HTTP.

This file is HTTP only: who calls, is the request well formed, how is the answer written.  What the
answers say comes from :class:`Worlds`.  A caller is the user of the bearer token and sees only that
user's sessions.  Every error has the same shape, and none of them is a stack trace::

    {"error": {"message": "there is no session \"x\"", "hint": null, "sqlstate": "3D000"}}

``/healthz``, ``/readyz`` and ``/metrics`` need no token: they tell counts, never names or values.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol, TypeAlias, TypeVar

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from devinprod_proxy.config import Listen
from devinprod_proxy.errors import DevinprodError, Refusal
from devinprod_proxy.server.control_fields import (
    CELL,
    CELL_END,
    NEW_SESSION,
    check,
    fault,
    page,
    session_name,
)
from devinprod_proxy.server.users import Users

T = TypeVar("T")
Fields = dict[str, object]
Answer: TypeAlias = T | Awaitable[T]
"""What a method of Worlds returns: the answer, or an awaitable of it."""

BODY_BYTES = 1 << 20
HEARTBEAT_SECONDS = 15.0
FAILED_LOGINS_PER_MINUTE = 10
_log = logging.getLogger("devinprod.control")


class Worlds(Protocol):
    """What the API needs of the proxy.  ClientFault with SQLSTATE 3D000 means "no such session"."""

    def sessions(self, user: str) -> Answer[list[Fields]]: ...
    def session(self, user: str, name: str) -> Answer[Fields]: ...
    def open(self, user: str, name: str, target: str | None, reason: str | None) -> Answer[Fields]: ...
    def reset(self, user: str, name: str) -> Answer[Fields]: ...
    def end(self, user: str, name: str) -> Answer[Fields]: ...
    def changes(self, user: str, name: str) -> Answer[Fields]: ...
    def statements(self, user: str, name: str, after: str | None, limit: int) -> Answer[Fields]: ...
    def limits(self, user: str, name: str) -> Answer[Fields]: ...
    def policy(self, user: str, table: str, target: str | None) -> Answer[Fields]: ...
    def cells(self, user: str, session: str) -> Answer[Fields]: ...
    def open_cell(self, user: str, fields: Fields) -> Answer[Fields]: ...
    def close_cell(self, user: str, id: str, fields: Fields) -> Answer[Fields]: ...

    def subscribe(self, user: str) -> AsyncIterator[Fields]:
        """Events of that user's sessions: ``{"event": "statement", "session": NAME, …}``."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """Numbers by Prometheus name (labels included); a name that ends in ``_total`` is a counter."""
        ...

    def ready(self) -> bool: ...


class Control:
    """The HTTP server of the control API.

    >>> control = Control(worlds, users)                        # doctest: +SKIP
    >>> await control.start(Listen("127.0.0.1", 0))             # doctest: +SKIP
    'http://127.0.0.1:40213'
    """

    def __init__(
        self,
        worlds: Worlds,
        users: Users,
        *,
        login_failed: Callable[[str, str], None] = lambda user, peer: None,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """*login_failed* is told user and peer of every failed login, for the audit record."""
        self.worlds, self.users = worlds, users
        self._login_failed, self._heartbeat = login_failed, heartbeat
        self._failures = FixedWindowRateLimiter(MemoryStorage())
        self._streams: set[asyncio.Task[object]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, listen: Listen, tls: ssl.SSLContext | None = None) -> str:
        """Listen there and return the URL; port 0 takes a free one.  Raises OSError."""
        app = web.Application(middlewares=[self._answer_errors], client_max_size=BODY_BYTES)
        app.on_shutdown.append(self._end_streams)
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            if listen.path is not None:
                await web.UnixSite(self._runner, str(listen.path), ssl_context=tls).start()
                return f"unix:{listen.path}"
            site = web.TCPSite(self._runner, listen.host, listen.port, ssl_context=tls)
            await site.start()
        except OSError:
            await self.close()
            raise
        port = self._runner.addresses[0][1]
        return f"{'https' if tls else 'http'}://{Listen(listen.host, port)}"

    async def close(self) -> None:
        """Stop listening and end the event streams."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        one, cell = "/v1/sessions/{name}", "/v1/cells"
        return [
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
            web.post("/v1/login", self._login),
            web.get("/v1/sessions", self._sessions),
            web.post("/v1/sessions", self._open),
            web.get(one, self._session),
            web.delete(one, self._end),
            web.post(one + "/reset", self._reset),
            web.get(one + "/changes", self._changes),
            web.get(one + "/statements", self._statements),
            web.get(one + "/limits", self._limits),
            web.get("/v1/policy", self._policy),
            web.get("/v1/events", self._events),
            web.get(cell, self._cells),
            web.post(cell, self._open_cell),
            web.patch(cell + "/{id}", self._close_cell),
        ]

    # ---------------------------------------------------------------- who calls

    def _user(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self.users.check_token(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise fault(
                "28000",
                "the control API needs the bearer token of a devinprod user",
                "The token is missing, expired or not of this proxy: `devinprod login`, or POST /v1/login.",
            )
        return user

    async def _login(self, request: web.Request) -> web.Response:
        peer, per_minute = request.remote or "unix", RateLimitItemPerMinute(FAILED_LOGINS_PER_MINUTE)
        if not self._failures.test(per_minute, peer):
            raise fault("53400", "too many failed logins from this address", "Wait a minute, then try again.")
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "basic":
                raise ValueError
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            if not colon:
                raise ValueError
        except (ValueError, binascii.Error):
            raise fault("28000", "login needs HTTP Basic authentication", None) from None
        # In a thread: a verifier takes some 4,096 rounds of a hash.
        if not await asyncio.to_thread(self.users.check_password, user, password):
            self._failures.hit(per_minute, peer)
            self._login_failed(user, peer)
            raise fault("28P01", "password authentication failed", None)
        token, until = self.users.issue_token(user)
        expires = datetime.fromtimestamp(until, UTC).isoformat().replace("+00:00", "Z")
        return _json({"token": token, "expires_at": expires, "user": user})

    # ---------------------------------------------------------------- sessions

    async def _sessions(self, request: web.Request) -> web.Response:
        return _json({"sessions": await _got(self.worlds.sessions(self._user(request)))})

    async def _open(self, request: web.Request) -> web.Response:
        user = self._user(request)
        said = check(await _body(request), NEW_SESSION)
        name, target, reason = said["name"], said.get("target"), said.get("reason")
        return _json(await _got(self.worlds.open(user, session_name(name), _text(target), _text(reason))))

    async def _session(self, request: web.Request) -> web.Response:
        return _json(await _got(self.worlds.session(*self._own(request))))

    async def _end(self, request: web.Request) -> web.Response:
        return _json(await _got(self.worlds.end(*self._own(request))))

    async def _reset(self, request: web.Request) -> web.Response:
        return _json(await _got(self.worlds.reset(*self._own(request))))

    async def _changes(self, request: web.Request) -> web.Response:
        return _json(await _got(self.worlds.changes(*self._own(request))))

    async def _statements(self, request: web.Request) -> web.Response:
        after, limit = page(request.query)
        return _json(await _got(self.worlds.statements(*self._own(request), after, limit)))

    async def _limits(self, request: web.Request) -> web.Response:
        return _json(await _got(self.worlds.limits(*self._own(request))))

    def _own(self, request: web.Request) -> tuple[str, str]:
        return self._user(request), session_name(request.match_info["name"])

    async def _policy(self, request: web.Request) -> web.Response:
        user = self._user(request)
        table = request.query.get("table")
        if not table:
            raise fault("22023", "say which table: /v1/policy?table=public.customers", None)
        return _json(await _got(self.worlds.policy(user, table, request.query.get("target") or None)))

    # ---------------------------------------------------------------- cells

    async def _cells(self, request: web.Request) -> web.Response:
        user = self._user(request)
        return _json(await _got(self.worlds.cells(user, session_name(request.query.get("session")))))

    async def _open_cell(self, request: web.Request) -> web.Response:
        user = self._user(request)
        said = check(await _body(request), CELL)
        session_name(said["session"])
        return _json(await _got(self.worlds.open_cell(user, said)))

    async def _close_cell(self, request: web.Request) -> web.Response:
        user = self._user(request)
        said = check(await _body(request), CELL_END)
        return _json(await _got(self.worlds.close_cell(user, request.match_info["id"], said)))

    # ---------------------------------------------------------------- events

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request)
        events = self.worlds.subscribe(user)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", **_PRIVATE}
        )
        await response.prepare(request)
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        coming: asyncio.Future[Fields] | None = None
        try:
            await response.write(b": devinprod\n\n")
            while True:
                # The next event is waited for in a task of its own: a heartbeat must not cancel it.
                coming = coming or asyncio.ensure_future(_next(events))
                done, _ = await asyncio.wait([coming], timeout=self._heartbeat)
                if not done:
                    self._user(request)  # the token may have ended meanwhile
                    await response.write(b": still here\n\n")
                    continue
                event = dict(coming.result())
                coming = None
                kind = event.pop("event", "message")
                await response.write(f"event: {kind}\ndata: {_dumps(event)}\n\n".encode())
        except (StopAsyncIteration, ConnectionError, asyncio.CancelledError, DevinprodError):
            pass  # the proxy stops, the listener left, the token ended: the stream ends
        finally:
            self._streams.discard(task)
            if coming is not None:
                coming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
            if hasattr(events, "aclose"):
                await events.aclose()
        return response

    async def _end_streams(self, _: web.Application) -> None:
        streams = list(self._streams)
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    # ---------------------------------------------------------------- operation

    async def _healthz(self, _: web.Request) -> web.Response:
        return _json({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self.worlds.ready()
        return _json({"ready": ready}, 200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        text = metrics_text(self.worlds.metrics())
        return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    @web.middleware
    async def _answer_errors(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except DevinprodError as error:
            return _refused(error.refusal)
        except web.HTTPException as error:
            known = {404: "there is no such address", 405: "this address takes no such method"}
            known[413] = f"the request is longer than {BODY_BYTES} bytes"
            message = known.get(error.status, error.reason)
            return _refused(
                Refusal("08P01", message, hint="See the control API in the documentation."), error.status
            )
        except Exception:
            _log.exception("the control API failed at %s %s", request.method, request.path)
            return _refused(Refusal("XX000", "devinprod failed inside; its log says more"), 500)


def metrics_text(numbers: Mapping[str, float]) -> str:
    """The numbers in Prometheus' text format.

    >>> print(metrics_text({"devinprod_sessions": 2.0}), end="")
    # TYPE devinprod_sessions gauge
    devinprod_sessions 2
    """
    lines, described = [], set()
    for name in sorted(numbers):
        base = name.partition("{")[0]
        if base not in described:
            described.add(base)
            lines.append(f"# TYPE {base} {'counter' if base.endswith('_total') else 'gauge'}")
        lines.append(f"{name} {numbers[name]:.15g}")
    return "".join(f"{line}\n" for line in lines)


_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STATUS_OF_SQLSTATE = {"3D000": 404, "42704": 404, "42P01": 404, "28000": 401, "28P01": 401, "42501": 403}
_STATUS_OF_CLASS = {"22": 400, "08": 400, "42": 400, "0A": 400, "53": 409, "55": 409, "25": 409, "57": 409}


def _refused(refusal: Refusal, status: int | None = None) -> web.Response:
    if status is None:
        by_whom = 503 if refusal.whose != "client" else _STATUS_OF_CLASS.get(refusal.sqlstate[:2], 400)
        status = by_whom if refusal.whose != "client" else _STATUS_OF_SQLSTATE.get(refusal.sqlstate, by_whom)
    response = _json(
        {"error": {"message": refusal.message, "hint": refusal.hint, "sqlstate": refusal.sqlstate}}, status
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _got(answer: Answer[T]) -> T:
    if isinstance(answer, Awaitable):
        awaited: T = await answer
        return awaited
    return answer


async def _next(events: AsyncIterator[Fields]) -> Fields:
    return await anext(events)


async def _body(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise fault("22023", "the request's body is not JSON", None) from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(value: object, status: int = 200) -> web.Response:
    body = _dumps(value).encode("utf-8", "backslashreplace")
    return web.Response(body=body, status=status, content_type="application/json", headers=_PRIVATE)
