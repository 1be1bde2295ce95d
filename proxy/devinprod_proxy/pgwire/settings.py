"""What do a client's startup parameters ask for: whose session, and which settings?

``options`` is a command line: ``-c name=value``, ``-cname=value``, ``--name=value``, separated by
spaces, a backslash escapes the next character. A setting that is a startup parameter of its own
(``application_name``, ``TimeZone``) wins over the same one in ``options``.

Sources: PostgreSQL manual, 19.1.4 and 54.2.1; ``pg_split_opts`` and ``ParseLongOption``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import sqlstate

SESSION_SETTING: Final = "devinprod.session"
_NOT_SETTINGS: Final = frozenset({"user", "database", "options", "replication"})
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}")


def split_options(options: str) -> list[str]:
    r"""The words of ``options``.

    >>> split_options(r"-c search_path=a\ b  --geqo=off")
    ['-c', 'search_path=a b', '--geqo=off']
    """
    words = re.findall(r"(?:\\.|\\$|[^\\ \t\n\r\f\v])+", options, re.DOTALL)
    return [re.sub(r"\\(.?)", r"\1", word, flags=re.DOTALL) for word in words]


def startup_settings(params: Mapping[str, str]) -> dict[str, str]:
    """Every setting that the startup packet asks for, by name as written; the later one wins.

    Raises ClientFault 22023 for a word of ``options`` that is not a setting: PostgreSQL's other
    switches are for single-user servers and debugging.

    >>> startup_settings({"user": "ann", "options": "-c geqo=off", "TimeZone": "UTC"})
    {'geqo': 'off', 'TimeZone': 'UTC'}
    """
    settings: dict[str, str] = {}
    words = iter(split_options(params.get("options", "")))
    for word in words:
        if word == "-c":
            setting = next(words, "")
        elif word.startswith(("-c", "--")):
            setting = word[2:]
        else:
            setting = ""
        name, equals, value = setting.partition("=")
        if not (name and equals):
            raise ClientFault(
                f"invalid command-line argument for a server process: {word}",
                sqlstate=sqlstate.INVALID_PARAMETER_VALUE,
                hint="options takes settings only: -c name=value.",
            )
        _put(settings, name.replace("-", "_"), value)
    for name, value in params.items():
        if name not in _NOT_SETTINGS and not name.startswith("_pq_."):
            _put(settings, name, value)
    return settings


def _put(settings: dict[str, str], name: str, value: str) -> None:
    """Names of settings are the same in any case."""
    for other in [other for other in settings if other.lower() == name.lower()]:
        del settings[other]
    settings[name] = value


def session_identity(user_param: str, settings: Mapping[str, str]) -> tuple[str, str]:
    """(user, session): from ``user/session``, else from setting ``devinprod.session``, else "default".

    Raises ClientFault: 28000 for a name that cannot be one, 22023 for two different session names.

    >>> session_identity("alice/checkout-bug", {})
    ('alice', 'checkout-bug')
    >>> session_identity("alice", {"devinprod.session": "b1"})
    ('alice', 'b1')
    """
    user, slash, session = user_param.partition("/")
    named = next((value for name, value in settings.items() if name.lower() == SESSION_SETTING), None)
    if slash and named is not None and named != session:
        raise ClientFault(
            "the user name and the option devinprod.session name two different sessions",
            sqlstate=sqlstate.INVALID_PARAMETER_VALUE,
            hint="Give the session's name in one place only.",
        )
    if not slash:
        session = "default" if named is None else named
    if not _USER.fullmatch(user):
        raise ClientFault(
            "not a user name",
            sqlstate=sqlstate.INVALID_AUTHORIZATION,
            hint="The user name is user or user/session, for example alice/checkout-bug.",
        )
    if not _SESSION.fullmatch(session):
        raise ClientFault(
            "not a session name",
            sqlstate=sqlstate.INVALID_AUTHORIZATION,
            hint="A session's name begins with a letter or digit; letters, digits, '.', '_' and '-' "
            "follow, 63 characters in all.",
        )
    return user, session
