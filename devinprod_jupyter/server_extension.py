"""What does the sidebar ask the Jupyter server?

Routes under /devinprod/api, answered from the proxy's control API and never
through a kernel: the sidebar works when the kernel is busy or dead.

    GET  overview?chosen=&shown=&after=   what one poll needs; always 200, a failure is its "problem"
    GET  sessions, sessions/NAME, sessions/NAME/statements|changes|limits
    POST sessions/NAME/reset, sessions/NAME/end

The credential stays in this process (server_credential.py). Failures of the
plain routes are {"error": {"code", "message", "hint", "sqlstate"}}; the
overview answers 200 even then, because a JupyterLab without a proxy is not a
fault that belongs in the server's log every two seconds.
"""

from __future__ import annotations

import json
from typing import Any

import tornado.web
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from devinprod_jupyter.server_control import Control, ControlFailed, session_path

_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,62})"
# As many as a proxy keeps; the sidebar shows the last fifty.
_STATEMENTS = "200"
# A session used this recently stays in view although another one was used since.
_STAYS_SECONDS = 15.0


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    """Add the routes to a running Jupyter server. Effect: handlers under /devinprod/api."""
    web_app = server_app.web_app
    web_app.settings["devinprod_control"] = Control()
    root = url_path_join(web_app.settings["base_url"], "devinprod", "api")
    web_app.add_handlers(  # type: ignore[no-untyped-call]
        ".*$",
        [
            (url_path_join(root, "overview"), OverviewHandler),
            (url_path_join(root, "sessions"), SessionsHandler),
            (url_path_join(root, "sessions", _NAME), SessionHandler),
            (url_path_join(root, "sessions", _NAME, "(?P<part>statements|changes|limits)"), PartHandler),
            (url_path_join(root, "sessions", _NAME, "reset"), ResetHandler),
            (url_path_join(root, "sessions", _NAME, "end"), EndHandler),
        ],
    )
    server_app.log.info("devinprod: the sidebar's routes are under %s", root)


class ControlHandler(APIHandler):
    """What these routes share: JSON answers that no cache keeps, errors in words."""

    auth_resource = "devinprod"
    # Polling is not work: it must not keep an idle server from being culled.
    _track_activity = False

    @property
    def control(self) -> Control:
        """The proxy's control API."""
        control: Control = self.settings["devinprod_control"]
        return control

    async def answer(self, method: str, path: str, query: dict[str, str] | None = None) -> None:
        """Ask the proxy and answer what it says, errors included."""
        try:
            document = await self.control.call(method, path, query)
        except ControlFailed as failed:
            self.set_status(failed.status)
            document = {"error": failed.as_json()}
        self.answer_json(document)

    def answer_json(self, document: dict[str, Any]) -> None:
        """Answer this object."""
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(document))

    def query_of(self, *names: str) -> dict[str, str]:
        """Those of the request's query arguments that have a value."""
        values = {name: self.get_query_argument(name, "") for name in names}
        return {name: value for name, value in values.items() if value}


class OverviewHandler(ControlHandler):
    """One poll of the sidebar: sessions, which one is current, its new statements."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Always 200; {"sessions", "current", "statements", "problem"}.

        `after` is the last statement that is known of the session `shown`.
        """
        asked = self.query_of("chosen", "shown", "after")
        shown = asked.get("shown")
        overview: dict[str, Any] = {"sessions": [], "current": None, "statements": [], "problem": None}
        try:
            sessions = (await self.control.call("GET", "/v1/sessions")).get("sessions", [])
            current = current_session(sessions, asked.get("chosen"), shown)
            overview |= {"sessions": sessions, "current": current}
            if current is not None:
                query = {"limit": _STATEMENTS}
                if current == shown and "after" in asked:
                    query["after"] = asked["after"]
                answer = await self.control.call("GET", session_path(current, "/statements"), query)
                overview["statements"] = answer.get("statements", [])
        except ControlFailed as failed:
            overview["problem"] = failed.as_json()
        self.answer_json(overview)


class SessionsHandler(ControlHandler):
    """The developer's own sessions."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """{"sessions": [...], "current": name or null}."""
        try:
            sessions = (await self.control.call("GET", "/v1/sessions")).get("sessions", [])
        except ControlFailed as failed:
            self.set_status(failed.status)
            self.answer_json({"error": failed.as_json()})
            return
        self.answer_json({"sessions": sessions, "current": current_session(sessions)})


class SessionHandler(ControlHandler):
    """One session."""

    @tornado.web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """The session as the proxy describes it."""
        await self.answer("GET", session_path(name))


class PartHandler(ControlHandler):
    """A session's statements, changes or limits."""

    @tornado.web.authenticated
    @authorized
    async def get(self, name: str, part: str) -> None:
        """That part as the proxy describes it; statements take `after` and `limit`."""
        query = self.query_of("after", "limit") if part == "statements" else None
        await self.answer("GET", session_path(name, f"/{part}"), query)


class ResetHandler(ControlHandler):
    """Begin a session anew."""

    @tornado.web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """Effect: the session's changes are rolled back and it starts from the data as it is now."""
        await self.answer("POST", session_path(name, "/reset"))


class EndHandler(ControlHandler):
    """End a session."""

    @tornado.web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """Effect: the session's changes are rolled back and it is gone."""
        await self.answer("DELETE", session_path(name))


def current_session(
    sessions: list[dict[str, Any]], chosen: str | None = None, shown: str | None = None
) -> str | None:
    """The session to show: the chosen one, else the one used last.

    The one in view stays while it is in use, so that two busy sessions do not
    take turns.

    >>> both = [{"name": "a", "idle_s": 9.0}, {"name": "b", "idle_s": 2.5}]
    >>> current_session(both), current_session(both, shown="a"), current_session(both, chosen="a")
    ('b', 'a', 'a')
    >>> current_session(both, chosen="gone")
    'b'
    """
    by_name = {str(session["name"]): session for session in sessions}
    if chosen in by_name:
        return chosen
    if not sessions:
        return None
    if shown in by_name and _usable(by_name[shown]) and _idle(by_name[shown]) < _STAYS_SECONDS:
        return shown
    # Lost sessions come last: they cannot be used until they are reset.
    return min(by_name, key=lambda name: (not _usable(by_name[name]), _idle(by_name[name])))


def _usable(session: dict[str, Any]) -> bool:
    return session.get("state") != "lost"


def _idle(session: dict[str, Any]) -> float:
    return float(session.get("idle_s") or 0.0)
