"""Where is the proxy, and as whom does this developer log in?

The ``DEVINPROD_*`` variables, then the file that ``devinprod login`` wrote.  A stored password is
sent only to the proxy that it was stored for.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from devinprod_proxy.cli.output import CommandFailed

KEYS = ("proxy", "control", "user", "password", "token", "target", "sslmode", "sslrootcert")
_LOGIN = "`devinprod login` stores where the proxy is and who you are."


@dataclass(frozen=True, slots=True)
class Place:
    """A proxy and a login; its repr shows no secret."""

    host: str
    port: int
    control: str
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    target: str
    sslmode: str
    sslrootcert: str


def credentials_file(environ: Mapping[str, str]) -> Path:
    """Where the credential is kept.

    >>> str(credentials_file({"XDG_CONFIG_HOME": "/c"}))
    '/c/devinprod/credentials.toml'
    """
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
    return Path(home) / "devinprod" / "credentials.toml"


def find_place(environ: Mapping[str, str] | None = None) -> Place:
    """The place that variables and file name.  Raises CommandFailed where something is missing."""
    environ = os.environ if environ is None else environ
    named = {key: environ.get(f"DEVINPROD_{key.upper()}", "") for key in KEYS}
    stored = _stored(credentials_file(environ))
    elsewhere = any(named[key] and named[key] != stored.get(key) for key in ("proxy", "control", "user"))
    found = named if elsewhere else {key: named[key] or stored.get(key, "") for key in KEYS}
    if not (found["proxy"] or found["control"]) or not found["user"]:
        raise CommandFailed("where the proxy is, and as whom to log in, is not known", _LOGIN)
    host, port = host_and_port(found["proxy"]) if found["proxy"] else ("", 0)
    control = found["control"] or control_beside(found["proxy"])
    return Place(
        host,
        port,
        control.rstrip("/") if "://" in control else f"http://{control}".rstrip("/"),
        found["user"],
        found["password"],
        found["token"],
        found["target"],
        found["sslmode"],
        found["sslrootcert"],
    )


def host_and_port(proxy: str) -> tuple[str, int]:
    """HOST:PORT in two.  Raises CommandFailed (wrong use).

    >>> host_and_port("[::1]:6543")
    ('::1', 6543)
    """
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    try:
        host, port = parts.hostname, parts.port or 6543
    except ValueError:
        host, port = None, 0
    if not host:
        raise CommandFailed("the proxy is given as HOST:PORT, such as 127.0.0.1:6543", status=2)
    return host, port


def control_beside(proxy: str) -> str:
    """The control API of a proxy of which no more is known: one port further."""
    host, port = host_and_port(proxy)
    return f"http://{f'[{host}]' if ':' in host else host}:{port + 1}"


def store(values: Mapping[str, str], environ: Mapping[str, str] | None = None) -> Path:
    """Write the credential (0600, by rename) and return its path.  Raises OSError."""
    path = credentials_file(os.environ if environ is None else environ)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = ["# Written by `devinprod login`. It opens your sessions: keep it to yourself.\n"]
    lines += [f"{key} = {_toml(values[key])}\n" for key in KEYS if values.get(key)]
    fd, fresh = tempfile.mkstemp(dir=path.parent, prefix=".credentials.")  # 0600
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write("".join(lines))
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    return path


def _toml(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _stored(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # The error's own text may quote the line that holds the password.
        what = error.strerror if isinstance(error, OSError) else "it is not TOML"
        raise CommandFailed(f"{path} cannot be read: {what}", "`devinprod login` writes it anew.") from None
    return {key: value for key, value in document.items() if isinstance(value, str)}
