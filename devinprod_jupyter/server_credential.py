"""As whom does the Jupyter server speak to the proxy?

The developer's own credential, taken from the server process's environment
(`DEVINPROD_CONTROL` and `DEVINPROD_TOKEN`, or user and password) or from what
`devinprod login` stored. It is read for each request, so a login while
JupyterLab runs is seen at once, and it never leaves this process: the browser
and the notebook get the proxy's answers, not the credential.

The two sources are not mixed: a token stored for one proxy must not be sent to
another that the environment happens to name.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_KEYS = ("proxy", "control", "token", "user", "password", "sslrootcert")


class NoCredential(Exception):
    """This Jupyter server cannot speak to a proxy; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Credential:
    """Where the control API is, and what opens it. Its repr shows no secret."""

    control: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sslrootcert: str | None = None

    @property
    def complete(self) -> bool:
        """Whether it holds a token, or a user and a password to get one with."""
        return bool(self.token or (self.user and self.password))


def credentials_file(environ: Mapping[str, str]) -> Path:
    """Where `devinprod login` keeps the credential.

    >>> str(credentials_file({"XDG_CONFIG_HOME": "/c"}))
    '/c/devinprod/credentials.toml'
    """
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or Path.home(), ".config")
    return Path(home) / "devinprod" / "credentials.toml"


def find_credential(environ: Mapping[str, str]) -> Credential:
    """The credential of this process: the environment's, else the stored one.

    Raises NoCredential with the next step when there is none.

    >>> find_credential({"DEVINPROD_CONTROL": "127.0.0.1:6544", "DEVINPROD_TOKEN": "t"}).control
    'http://127.0.0.1:6544'
    """
    named = _credential({key: environ.get(f"DEVINPROD_{key.upper()}") for key in _KEYS})
    if named and named.complete:
        return named
    path = credentials_file(environ)
    stored = _stored(path)
    if stored and stored.complete and (named is None or named.control == stored.control):
        return stored
    if named:
        raise NoCredential(
            "DEVINPROD_CONTROL names a proxy, but there is no token for it.",
            "Set DEVINPROD_TOKEN where JupyterLab is started, or run `devinprod login` in a terminal.",
        )
    raise NoCredential(
        "This JupyterLab does not know a proxy yet.",
        "Run `devinprod login` in a terminal, or start JupyterLab with DEVINPROD_CONTROL"
        " and DEVINPROD_TOKEN set.",
    )


def _credential(values: Mapping[str, str | None]) -> Credential | None:
    control = (values.get("control") or "").strip().rstrip("/")
    if not control and values.get("proxy"):
        control = _beside(values["proxy"] or "")
    if not control:
        return None
    if "://" not in control:
        control = f"http://{control}"
    return Credential(
        control,
        token=values.get("token") or None,
        user=values.get("user") or None,
        password=values.get("password") or None,
        sslrootcert=values.get("sslrootcert") or None,
    )


def _beside(proxy: str) -> str:
    """The control API of a proxy of which only host:port is known: the next port."""
    try:
        parts = urlsplit(f"//{proxy}")
        host, port = parts.hostname, (parts.port or 6543) + 1
    except ValueError:
        return ""
    return f"{f'[{host}]' if ':' in (host or '') else host}:{port}" if host else ""


def _stored(path: Path) -> Credential | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        # The fault's own text may quote the line, and the line may be the token.
        raise NoCredential(
            f"{path} cannot be read ({type(fault).__name__}).",
            "Mend or remove that file, then run `devinprod login` again.",
        ) from None
    return _credential({key: str(document[key]) for key in _KEYS if document.get(key)})
