"""How are the proxy's sessions asked about and steered?

By its control API, JSON over HTTP. Everything here raises CommandFailed in the words of the proxy; an
address or a token is in none of them.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

import httpx

from devinprod_jupyter.errors import CommandFailed
from devinprod_jupyter.settings import Place

__all__ = ["Control"]

Json = dict[str, Any]


class Control:
    """One developer's view of one proxy. Connections are kept open between commands.

    Sources: the control API as in docs/notebook.md. Close it with `close()`.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = place.token
        # Never through a proxy of the environment: a token would go with it.
        self._http = httpx.Client(
            base_url=place.control, timeout=httpx.Timeout(30, connect=5), trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def open(self, name: str, target: str | None, reason: str | None) -> Json:
        """Open the session, or join it where it is open."""
        body = {"name": name, "target": target or None, "reason": reason or None}
        return self.call("POST", "/v1/sessions", body)

    def sessions(self) -> list[Json]:
        """All sessions of this developer."""
        return cast(list[Json], self.call("GET", "/v1/sessions")["sessions"])

    def session(self, name: str) -> Json:
        """One session: target, state, changes, limits."""
        return self.call("GET", f"/v1/sessions/{quote(name, safe='')}")

    def about(self, name: str, what: str, **query: str | int) -> Json:
        """`what` is changes, statements or limits."""
        return self.call("GET", f"/v1/sessions/{quote(name, safe='')}/{what}", query=query)

    def reset(self, name: str) -> Json:
        """Drop everything that the session changed."""
        return self.call("POST", f"/v1/sessions/{quote(name, safe='')}/reset")

    def end(self, name: str) -> Json:
        """Roll back and close the session."""
        return self.call("DELETE", f"/v1/sessions/{quote(name, safe='')}")

    def policy(self, table: str, target: str) -> Json:
        """What is masked in a table, and how."""
        return self.call(
            "GET", "/v1/policy", query={"table": table, **({"target": target} if target else {})}
        )

    def cells(self, name: str) -> list[Json]:
        """The audit records of the cells of a session."""
        return cast(list[Json], self.call("GET", "/v1/cells", query={"session": name})["cells"])

    def open_cell(self, fields: Json) -> str:
        """Open a cell's audit record; its id."""
        return str(self.call("POST", "/v1/cells", fields)["id"])

    def close_cell(self, cell: str, fields: Json) -> Json:
        """Close it with its outcome."""
        return self.call("PATCH", f"/v1/cells/{quote(cell, safe='')}", fields)

    def call(self, method: str, path: str, body: Json | None = None, query: Json | None = None) -> Json:
        """One request. A token that has run out is renewed once, with the password."""
        if not self._token:
            self._login()
        answer = self._send(method, path, body, query)
        if answer.status_code == 401:
            self._login()
            answer = self._send(method, path, body, query)
        return _content(answer)

    def _login(self) -> None:
        try:
            answer = self._http.post("/v1/login", auth=(self._place.user, self._place.password))
        except httpx.HTTPError as error:
            raise _silent(error) from None
        if answer.status_code == 401:
            raise CommandFailed(
                f"The proxy does not accept the password of {self._place.user}.",
                hint="`devinprod login` stores a new one.",
                status=401,
                sqlstate="28P01",
            )
        self._token = str(_content(answer)["token"])

    def _send(self, method: str, path: str, body: Json | None, query: Json | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            return self._http.request(method, path, json=body, params=query, headers=headers)
        except httpx.HTTPError as error:
            raise _silent(error) from None


def _silent(error: httpx.HTTPError) -> CommandFailed:
    # The library's text names host and port.
    slow = isinstance(error, httpx.TimeoutException)
    return CommandFailed(
        "The proxy did not answer in time." if slow else "The proxy does not answer.",
        hint="Is it running, and is this machine allowed to reach it? Nothing of yours was committed.",
        status=503,
    )


def _content(answer: httpx.Response) -> Json:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.is_success and isinstance(content, dict):
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        raise CommandFailed(
            str(error.get("message") or "The proxy refused."),
            hint=str(error["hint"]) if error.get("hint") else None,
            status=answer.status_code,
            sqlstate=str(error.get("sqlstate") or ""),
        )
    raise CommandFailed(
        f"The proxy answered with HTTP status {answer.status_code}, not in its own words.",
        hint="Is the control address that of a devinprod proxy?",
        status=answer.status_code,
    )
