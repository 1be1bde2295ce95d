"""How does the Jupyter server ask the proxy's control API?

One asynchronous call: JSON in, JSON out, or ControlFailed with words for a
person. Tornado's own client does it, which a Jupyter server always has and
which takes no proxy settings from the environment. A token that ran out is
renewed once with the password, if there is one.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import HTTPTimeoutError

from devinprod_jupyter.server_credential import Credential, NoCredential, find_credential

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
# A refused password is not tried again before this long: the proxy counts failed logins, and a
# sidebar that polls must not lock its developer out.
_REFUSED_SECONDS = 60.0


class ControlFailed(Exception):
    """The proxy did not do it; `code` says in one word why, `status` is for HTTP.

    Codes: no_credential, login_refused, unreachable, not_the_proxy, refused.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        status: int = 503,
        sqlstate: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.sqlstate = sqlstate

    def as_json(self) -> dict[str, Any]:
        """The error as the routes answer it."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "sqlstate": self.sqlstate}


class Control:
    """The control API of the proxy that this Jupyter server's developer uses.

    >>> await Control().call("GET", "/v1/sessions")      # doctest: +SKIP
    {'sessions': []}
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._client = AsyncHTTPClient(force_instance=True)
        # Tokens got by a password, by the credential that got them.
        self._renewed: dict[Credential, str] = {}
        self._refused: tuple[Credential, float, ControlFailed] | None = None

    async def call(self, method: str, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Ask the proxy; its JSON object, or ControlFailed. Effect: whatever the path does there."""
        try:
            credential = find_credential(self._environ)
        except NoCredential as fault:
            raise ControlFailed("no_credential", fault.message, fault.hint) from None
        target = path + ("?" + urlencode(query) if query else "")
        token = self._renewed.get(credential) or credential.token or await self._login(credential)
        response = await self._fetch(credential, method, target, f"Bearer {token}")
        if response.code == 401 and credential.user and credential.password:
            token = await self._login(credential)
            response = await self._fetch(credential, method, target, f"Bearer {token}")
        return _answer(response)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def _login(self, credential: Credential) -> str:
        if self._refused is not None:
            refused, at, failed = self._refused
            if refused == credential and time.monotonic() - at < _REFUSED_SECONDS:
                raise failed
        basic = _basic(credential.user or "", credential.password or "")
        try:
            answer = _answer(await self._fetch(credential, "POST", "/v1/login", basic))
        except ControlFailed as failed:
            if failed.code == "login_refused":
                self._refused = (credential, time.monotonic(), failed)
            raise
        token = answer.get("token")
        if not isinstance(token, str):
            raise _not_the_proxy()
        self._renewed = {credential: token}
        return token

    async def _fetch(
        self, credential: Credential, method: str, path: str, authorization: str
    ) -> HTTPResponse:
        try:
            request = HTTPRequest(
                credential.control + path,
                method=method,
                headers={"Authorization": authorization, "Accept": "application/json"},
                allow_nonstandard_methods=True,
                follow_redirects=False,  # a token is sent to the proxy and nowhere else
                connect_timeout=_CONNECT_SECONDS,
                request_timeout=_ANSWER_SECONDS,
                ca_certs=credential.sslrootcert,
            )
            return await self._client.fetch(request, raise_error=False)
        except Exception as fault:  # sockets, TLS, timeouts and addresses fail in kinds of their own
            raise _unreachable(fault) from None


def session_path(name: str, rest: str = "") -> str:
    """The control API's path of one session.

    >>> session_path("checkout-bug", "/reset")
    '/v1/sessions/checkout-bug/reset'
    """
    return f"/v1/sessions/{quote(name, safe='')}{rest}"


def _answer(response: HTTPResponse) -> dict[str, Any]:
    try:
        document = json.loads(response.body or b"{}")
    except ValueError:
        raise _not_the_proxy() from None
    if not isinstance(document, dict):
        raise _not_the_proxy()
    if 200 <= response.code < 300:
        return document
    error = document.get("error")
    if not isinstance(error, dict):
        raise _not_the_proxy()
    message = str(error.get("message") or f"The proxy answered {response.code}.")
    hint = str(error["hint"]) if error.get("hint") else None
    if response.code in (401, 403):
        # Not passed on as 401: the browser's own login at JupyterLab is fine.
        raise ControlFailed(
            "login_refused",
            "The proxy does not accept this JupyterLab's credential.",
            hint or "Run `devinprod login` in a terminal, or start JupyterLab with a fresh DEVINPROD_TOKEN.",
        )
    sqlstate = str(error["sqlstate"]) if error.get("sqlstate") else None
    raise ControlFailed("refused", message, hint, status=response.code, sqlstate=sqlstate)


def _unreachable(fault: Exception) -> ControlFailed:
    # The fault's own text names host and port; the sidebar is shown around.
    slow = isinstance(fault, HTTPTimeoutError)
    return ControlFailed(
        "unreachable",
        "The proxy did not answer in time." if slow else "The proxy does not answer.",
        "Is it running, and is its address right? That comes from DEVINPROD_CONTROL or `devinprod login`.",
    )


def _not_the_proxy() -> ControlFailed:
    return ControlFailed(
        "not_the_proxy",
        "What answers at the control address is not a devinprod proxy.",
        "Look at DEVINPROD_CONTROL, or run `devinprod login` again.",
        status=502,
    )


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
