"""To which database does a ``dsn`` lead?  libpq's connection strings, without libpq.

Both forms are read (``key=value`` and ``postgresql://``), then what libpq adds when the string does
not say: a ``service`` file, the ``PG*`` variables, the password file (PostgreSQL manual, 32.1, 32.15
to 32.17).  The proxy extra carries no libpq, so the rules stand here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, unquote

# Only what the proxy can act upon: a keyword that it would have to ignore is an error, not a surprise.
KEYWORDS: Mapping[str, str | None] = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME",
    "channel_binding": "PGCHANNELBINDING",
}
# Harmless for a proxy, or true of it anyway: accepted, and without effect.
_IGNORED = frozenset(
    (
        *("fallback_application_name", "gssencmode", "krbsrvname", "client_encoding", "target_session_attrs"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        *("sslcompression", "sslsni"),
    )
)
_SSLMODES = frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
_PAIR = re.compile(r"\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)", re.DOTALL)


def parse(dsn: str) -> dict[str, str]:
    """The settings that *dsn* itself names, of either form.

    Raises ValueError with a text for a person; the text never repeats the string, which may hold a password.

    >>> parse("host=127.0.0.1 dbname='my shop'")
    {'host': '127.0.0.1', 'dbname': 'my shop'}
    >>> parse("postgresql://dev%2Fx@[::1]:5433/shop?sslmode=require")["user"]
    'dev/x'
    """
    found = _parse_uri(dsn) if re.match(r"postgres(ql)?://", dsn) else _parse_pairs(dsn)
    settings: dict[str, str] = {}
    for key, value in found:
        if key in _IGNORED:
            continue
        if key not in KEYWORDS:
            raise ValueError(f'the connection option "{key}" is not known to devinprod')
        settings[key] = value
    _check(settings)
    return settings


def resolve(dsn: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """*dsn* with everything that libpq would add; always has host, port, user and dbname.

    Raises ValueError (bad string, unknown service, password file that others can read).

    >>> resolve("user=u", {})["port"]
    '5432'
    """
    environ = os.environ if environ is None else environ
    settings = parse(dsn)
    service = settings.pop("service", None) or environ.get("PGSERVICE")
    if service:
        settings = {**_service(service, environ), **settings}
    for key, variable in KEYWORDS.items():
        if variable and key not in settings and key != "service" and environ.get(variable):
            settings[key] = environ[variable]
    _check(settings)
    settings.setdefault("host", settings.get("hostaddr", "/var/run/postgresql"))
    settings.setdefault("port", "5432")
    if "user" not in settings:
        settings["user"] = environ.get("USER") or environ.get("LOGNAME") or "postgres"
    settings.setdefault("dbname", settings["user"])
    if "password" not in settings:
        password = _from_passfile(settings, environ)
        if password is not None:
            settings["password"] = password
    return settings


def has_password(dsn: str) -> bool:
    """Whether the string itself carries a password.

    >>> has_password("postgresql://u:secret@h/d")
    True
    """
    try:
        return bool(parse(dsn).get("password"))
    except ValueError:
        return "password" in dsn


def _parse_pairs(dsn: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    at = 0
    while dsn[at:].strip():
        match = _PAIR.match(dsn, at)
        if match is None:
            last = f' behind "{pairs[-1][0]}"' if pairs else ""
            raise ValueError(f"not a connection string: expected key=value{last}")
        quoted, bare = match[2], match[3]
        value = re.sub(r"\\(.)", r"\1", quoted if quoted is not None else bare, flags=re.DOTALL)
        pairs.append((match[1], value))
        at = match.end()
    return pairs


def _parse_uri(dsn: str) -> list[tuple[str, str]]:
    rest = dsn.split("://", 1)[1]
    rest, _, query = rest.partition("?")
    authority, _, dbname = rest.partition("/")
    userinfo, at, hostport = authority.rpartition("@")
    pairs: list[tuple[str, str]] = []
    if at:
        user, colon, password = userinfo.partition(":")
        if user:
            pairs.append(("user", unquote(user)))
        if colon:
            pairs.append(("password", unquote(password)))
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:,\[\]]*)(?::(\d*))?", hostport)
    if match is None:
        raise ValueError("not a connection string: the host and port of the address cannot be read")
    if match[1]:
        pairs.append(("host", unquote(match[1].strip("[]"))))
    if match[2]:
        pairs.append(("port", match[2]))
    if dbname:
        pairs.append(("dbname", unquote(dbname)))
    for key, value in parse_qsl(query, keep_blank_values=True):
        pairs.append(("sslmode", "require") if (key, value) == ("ssl", "true") else (key, value))
    return pairs


def _check(settings: Mapping[str, str]) -> None:
    port = settings.get("port", "5432")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("the port of the connection string must be a number from 1 to 65535")
    if "," in settings.get("host", ""):
        raise ValueError("several hosts in one connection string are not supported: name the one target")
    mode = settings.get("sslmode", "prefer")
    if mode not in _SSLMODES:
        raise ValueError(f'sslmode "{mode}" is not one of {", ".join(sorted(_SSLMODES))}')


def _service(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    files = [environ.get("PGSERVICEFILE") or str(Path.home() / ".pg_service.conf")]
    if environ.get("PGSYSCONFDIR"):
        files.append(str(Path(environ["PGSYSCONFDIR"]) / "pg_service.conf"))
    for file in files:
        try:
            lines = Path(file).read_text("utf-8").splitlines()
        except OSError:
            continue
        inside, found = False, cast(dict[str, str] | None, None)
        for line in map(str.strip, lines):
            if line.startswith("["):
                inside = line == f"[{name}]"
                found = {} if inside and found is None else found
            elif inside and found is not None and line and not line.startswith("#"):
                key, equals, value = line.partition("=")
                if equals and key.strip() in KEYWORDS:
                    found[key.strip()] = value.strip()
        if found is not None:
            return found
    raise ValueError(f'there is no service "{name}" in {" or ".join(files)}')


def _from_passfile(settings: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    file = Path(settings.get("passfile") or Path(environ.get("HOME") or Path.home()) / ".pgpass")
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            return None
        if mode & 0o077:
            raise ValueError(f"the password file {file} can be read by others: chmod 0600 it")
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return None
    host = settings["host"]
    host = "localhost" if host.startswith("/") else host
    wanted = (host, settings["port"], settings["dbname"], settings["user"])
    for line in lines:
        fields = [re.sub(r"\\(.)", r"\1", part) for part in re.findall(r"((?:[^:\\]|\\.)*)(?::|$)", line)]
        if line.startswith("#") or len(fields) < 5:
            continue
        if all(have in ("*", want) for have, want in zip(fields[:4], wanted, strict=True)):
            return fields[4]
    return None
