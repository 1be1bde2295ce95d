"""Is what a caller of the control API says well formed?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from devinprod_proxy.errors import ClientFault

NEW_SESSION: Mapping[str, str] = {"name": "text!", "target": "text", "reason": "text"}
CELL: Mapping[str, str] = {
    "session": "text!",
    "cell_id": "text",
    "notebook": "text",
    "source": "source",
    "sha256": "text",
    "kernel": "text",
}
CELL_END: Mapping[str, str] = {"outcome": "outcome!", "error": "error"}

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_OUTCOMES = ("ok", "error", "interrupted")
TEXT_LENGTH = 1000
STATEMENTS = 200
"""How many statements one answer holds at most."""


def check(body: object, shape: Mapping[str, str]) -> dict[str, object]:
    """The body as a dict whose fields have the kinds that *shape* names (``!``: must be there).

    Raises ClientFault 22023.

    >>> check({"name": "x"}, NEW_SESSION)
    {'name': 'x'}
    """
    if not isinstance(body, dict):
        raise fault("22023", "the request's body must be a JSON object", None)
    for key in body:
        if key not in shape:
            raise fault("22023", f"the field {key[:100]!r} is not known", f"Known: {', '.join(shape)}.")
    for key, kind in shape.items():
        value = body.get(key)
        if value is None and kind.endswith("!"):
            raise fault("22023", f'the field "{key}" is missing', None)
        if value is not None and not _fits(value, kind.rstrip("!")):
            raise fault("22023", f'the field "{key}" {_WANTED[kind.rstrip("!")]}', None)
    return dict(body)


def session_name(name: object) -> str:
    """*name*, if a session can have it.  Raises ClientFault 22023."""
    if not isinstance(name, str) or not _SESSION.fullmatch(name):
        raise fault(
            "22023",
            "that is no name of a session",
            "Letters, digits and . _ -, at most 63, first a letter or digit.",
        )
    return name


def page(query: Mapping[str, str]) -> tuple[str | None, int]:
    """``after`` and ``limit`` of a query string.  Raises ClientFault 22023."""
    limit = query.get("limit", str(STATEMENTS))
    if not re.fullmatch(r"[1-9]\d{0,5}", limit):
        raise fault("22023", "limit must be a number from 1", None)
    return query.get("after") or None, min(int(limit), STATEMENTS)


def fault(sqlstate: str, message: str, hint: str | None) -> ClientFault:
    """A fault of the caller's."""
    return ClientFault(message, sqlstate=sqlstate, hint=hint)


_WANTED = {
    "text": f"must be a text of at most {TEXT_LENGTH} characters",
    "source": "must be a text",
    "outcome": f"must be one of {', '.join(_OUTCOMES)}",
    "error": "must be null or an object with the texts type and message",
}


def _fits(value: object, kind: str) -> bool:
    if kind == "outcome":
        return value in _OUTCOMES
    if kind == "error":
        return (
            isinstance(value, dict)
            and set(value) <= {"type", "message"}
            and all(isinstance(part, str) for part in value.values())
        )
    return isinstance(value, str) and (kind == "source" or len(value) <= TEXT_LENGTH)
