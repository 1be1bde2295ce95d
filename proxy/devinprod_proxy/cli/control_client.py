"""How does a command ask the running proxy?  By its control API, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from devinprod_proxy.cli.output import CommandFailed
from devinprod_proxy.cli.place import Place

TIMEOUT_SECONDS = 30.0
Json = dict[str, Any]


class ControlClient:
    """One developer's view of one proxy.

    >>> ControlClient(find_place()).call("GET", "/v1/sessions")     # doctest: +SKIP
    {'sessions': []}
    """

    def __init__(self, place: Place) -> None:
        self._place, self._token = place, place.token
        if urlsplit(place.control).scheme not in ("http", "https"):
            raise CommandFailed("the control API's address must begin with http:// or https://", status=2)
        context = ssl.create_default_context(cafile=place.sslrootcert or None)
        # No proxy of the environment: a token would go with the request.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )

    def login(self) -> str:
        """A new token by user and password.  Raises CommandFailed."""
        said = f"{self._place.user}:{self._place.password}".encode()
        status, body = self._send("POST", "/v1/login", f"Basic {b64encode(said).decode()}", None)
        self._token = str(_content(status, body)["token"])
        return self._token

    def call(self, method: str, path: str, fields: Json | None = None) -> Json:
        """One request; a token that has ended is renewed once.  Raises CommandFailed."""
        if self._token:
            status, body = self._send(method, path, f"Bearer {self._token}", fields)
            if status != 401 or not self._place.password:
                return _content(status, body)
        self.login()
        return _content(*self._send(method, path, f"Bearer {self._token}", fields))

    def _send(self, method: str, path: str, authorization: str, fields: Json | None) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310  (the scheme was checked)
            self._place.control + path,
            data=None if fields is None else json.dumps(fields).encode(),
            headers={"Authorization": authorization, "Content-Type": "application/json"},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            what = getattr(reason, "strerror", None) or type(reason).__name__
            raise CommandFailed(
                f"the proxy's control API at {self._place.control} does not answer: {what}",
                "Is the proxy running? DEVINPROD_CONTROL or `devinprod login` says where it is.",
            ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The control API redirects nobody; a token must not follow one who does."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _content(status: int, body: bytes) -> Json:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if status < 300 and isinstance(content, dict):
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        raise CommandFailed(str(error.get("message")), error.get("hint"))
    raise CommandFailed(f"the control API answered with HTTP status {status}", "Is that a devinprod proxy?")
