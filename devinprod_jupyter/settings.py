"""Where does this notebook find the proxy, and as whom does it log in?

In this order: what the magic says, ``%config DevInProd.x``, DEVINPROD_* variables, the file that
``devinprod login`` wrote. Password and token are no traitlets: ``%config DevInProd`` prints values.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from traitlets import Bool, Enum, Int, Unicode
from traitlets.config import Configurable

from devinprod_jupyter.errors import DevInProdError, WrongUse

__all__ = ["DevInProd", "Place", "credentials_file", "find_place"]


class DevInProd(Configurable):
    """What ``%config DevInProd`` shows and sets."""

    proxy = Unicode("", help="host:port of the proxy (else DEVINPROD_PROXY).").tag(config=True)
    control = Unicode("", help="URL of the proxy's control API (else DEVINPROD_CONTROL).").tag(config=True)
    user = Unicode("", help="Whom to log in as (else DEVINPROD_USER).").tag(config=True)
    target = Unicode("", help="The [target] of the proxy to work on (else DEVINPROD_TARGET).").tag(
        config=True
    )
    limit = Int(10_000, min=0, help="Rows that %%devsql returns at most; 0 for all.").tag(config=True)
    format = Enum(
        ("frame", "arrow", "rows"),
        "frame",
        help="What %%devsql returns: a DataFrame, a pyarrow Table, tuples.",
    ).tag(config=True)
    reload = Bool(True, help="Reload the packages named by %devinprod use before each cell.").tag(config=True)
    tracebacks = Bool(False, help="Show the frames behind an error of devinprod.").tag(config=True)


@dataclass(frozen=True)
class Place:
    """A proxy and a login. Prints neither password nor token nor address."""

    host: str = field(repr=False)
    port: int = field(repr=False)
    control: str = field(repr=False)
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    target: str
    sslmode: str = ""
    sslrootcert: str = field(default="", repr=False)


def credentials_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where ``devinprod login`` keeps the developer's own credential."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "devinprod" / "credentials.toml"


def find_place(
    settings: DevInProd,
    *,
    proxy: str | None = None,
    control: str | None = None,
    target: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Place:
    """The proxy to talk to, from all four sources.

    Raises WrongUse where something is missing or malformed; the message says how to give it.
    """
    stored = _stored(credentials_file(environ))

    def value(name: str, said: str | None, configured: str = "") -> str:
        return said or configured or environ.get(f"DEVINPROD_{name.upper()}") or stored.get(name, "")

    address = value("proxy", proxy, settings.proxy)
    if not address:
        raise WrongUse(
            "Where the proxy is, is not known.",
            hint="Run `devinprod login` once, set DEVINPROD_PROXY, or say --proxy HOST:PORT.",
        )
    host, port = _host_port(address)
    # A proxy named by the magic must not be paired with the control API of another one.
    ours = control or (None if proxy else value("control", None, settings.control))
    base = ours or f"http://{'[' + host + ']' if ':' in host else host}:{port + 1}"
    user = value("user", None, settings.user)
    password = value("password", None)
    if not user or not password:
        raise WrongUse(
            "Whom to log in as is not known.",
            hint="Run `devinprod login` once, or set DEVINPROD_USER and DEVINPROD_PASSWORD.",
        )
    return Place(
        host=host,
        port=port,
        control=base.rstrip("/"),
        user=user,
        password=password,
        token=value("token", None),
        target=value("target", target, settings.target),
        sslmode=value("sslmode", None),
        sslrootcert=value("sslrootcert", None),
    )


def _stored(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not valid TOML"
        raise DevInProdError(
            f"{path} cannot be read: {reason}.", hint="`devinprod login` writes it anew."
        ) from None
    return {key: str(value) for key, value in content.items()}


def _host_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = parts.port or 6543
    except ValueError:
        port = 0
    if not parts.hostname or not port:
        raise WrongUse("--proxy wants HOST:PORT, such as 127.0.0.1:6543.")
    return parts.hostname, port
