"""What did the operator write into ``devinprod.toml``?

The whole file is read and checked before anything starts: the first thing wrong with it is one
:class:`~devinprod_proxy.errors.ConfigInvalid` with file, line and key.  docs/configuration.md
explains every key that stands in :data:`KEYS`.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, NoReturn, cast, get_args

from devinprod_proxy import conninfo
from devinprod_proxy.errors import ConfigInvalid
from devinprod_proxy.session.limits import Limits
from devinprod_proxy.toml_lines import line_of, syntax_error

__all__ = ["KEYS", "Config", "Limits", "Listen", "MaskKey", "ProxyConfig", "Target", "load_config"]

TargetKind = Literal["auto", "subscriber", "clone", "standby", "primary"]
AuditSync = Literal["group", "each"]


@dataclass(frozen=True, slots=True)
class Listen:
    """One place to listen: ``host`` and ``port``, or the ``path`` of a Unix socket."""

    host: str | None = None
    port: int = 0
    path: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect (Unix sockets too; no name but localhost)."""
        if self.host is None or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in (self.host or "") else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MaskKey:
    """Where a target's mask key is kept: one of ``file`` and ``env`` is set.  Never the key itself."""

    file: Path | None = None
    env: str | None = None

    def read(self, environ: Mapping[str, str] | None = None) -> str:
        """The key, 64 hexadecimal digits.  Raises ValueError, whose text does not contain what was read."""
        if self.file is not None:
            try:
                text = self.file.read_text("ascii")
            except OSError as error:
                raise ValueError(f"cannot read {self.file}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise ValueError(f"{self.file} does not hold 64 hexadecimal digits") from None
            place = str(self.file)
        else:
            name = self.env or ""
            place = f"the variable {name}"
            if name not in (os.environ if environ is None else environ):
                raise ValueError(f"{place} is not set")
            text = (os.environ if environ is None else environ)[name]
        if not re.fullmatch(r"[0-9A-Fa-f]{64}", text.strip()):
            raise ValueError(f"{place} does not hold 64 hexadecimal digits (devinprod key new makes them)")
        return text.strip().lower()


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """The ``[proxy]`` table; ``tls_cert`` and ``tls_key`` are both set or both None."""

    listen: tuple[Listen, ...]
    control: Listen
    users: Path
    audit: Path
    audit_sync: AuditSync = "group"
    tls_cert: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One ``[target.NAME]``; :func:`devinprod_proxy.conninfo.resolve` reads the ``dsn``."""

    name: str
    dsn: str = field(repr=False)  # may hold a password
    policy: Path
    kind: TargetKind
    mask_key: MaskKey


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.  ``warnings`` are sentences for the log and for ``doctor``."""

    file: Path
    proxy: ProxyConfig
    targets: Mapping[str, Target]
    limits: Limits = field(default_factory=Limits)
    role_limits: Mapping[str, Limits] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def limits_for(self, role: str) -> Limits:
        """The limits of one role: its own where ``[limits.roles.ROLE]`` names them, everybody's otherwise."""
        return self.role_limits.get(role, self.limits)


_PROXY_KEYS = ("listen", "control", "users", "audit", "audit_sync", "tls")
_TARGET_KEYS = ("dsn", "policy", "kind", "mask_key")
_LIMIT_KEYS = tuple(entry.name for entry in fields(Limits))
_SECONDS = frozenset(entry.name for entry in fields(Limits) if entry.type == "float")
_MAY_BE_ZERO = frozenset({"subjects_per_day", "lookups_per_hour"})

KEYS: tuple[str, ...] = (
    *(f"proxy.{key}" for key in _PROXY_KEYS),
    "proxy.tls.cert",
    "proxy.tls.key",
    *(f"target.NAME.{key}" for key in _TARGET_KEYS),
    "target.NAME.mask_key.file",
    "target.NAME.mask_key.env",
    *(f"limits.{key}" for key in _LIMIT_KEYS),
    "limits.roles.NAME",
)
"""Every key that the file may hold, dotted; NAME stands for a name of the operator's."""

_UNITS_OF_TIME = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_UNITS_OF_SIZE = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def load_config(
    path: Path | str, *, check_files: bool = True, environ: Mapping[str, str] | None = None
) -> Config:
    """Read and check a configuration file; paths in it start at its own folder.

    With ``check_files=False`` the files that it names (policy, mask key, certificate) need not be
    there yet, for commands that do not use them.  Raises ConfigInvalid.

        >>> load_config("devinprod.toml").proxy.audit_sync    # doctest: +SKIP
        'group'
    """
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigInvalid(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigInvalid("is not UTF-8 text", file=str(path)) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = syntax_error(error, text)
        raise ConfigInvalid(f"is not TOML: {message}", file=str(path), line=line) from None
    return _Reader(file, text, document, check_files, os.environ if environ is None else environ).config()


class _Reader:
    """One pass over one document.  Every ``path`` is the way from the top of the file to a key."""

    def __init__(
        self, file: Path, text: str, document: dict[str, object], check: bool, environ: Mapping[str, str]
    ) -> None:
        self.file, self.text, self.document = file, text, document
        self.check, self.environ = check, environ
        self.folder = file.absolute().parent
        self.warnings: list[str] = []

    def config(self) -> Config:
        self.table((), ("proxy", "target", "limits"))
        proxy = self.proxy()
        names = self.table(("target",))
        if not names:
            self.fail((), "there is no [target.NAME]: the proxy needs at least one database to stand before")
        targets = {name: self.target(name) for name in names}
        given = self.table(("limits",), (*_LIMIT_KEYS, "roles"))
        limits = self.limits(("limits",), Limits())
        roles = self.table(("limits", "roles")) if "roles" in given else {}
        role_limits = {role: self.limits(("limits", "roles", role), limits) for role in roles}
        return Config(self.file, proxy, targets, limits, role_limits, tuple(self.warnings))

    def proxy(self) -> ProxyConfig:
        given = self.table(("proxy",), _PROXY_KEYS)
        at = ("proxy", "listen")
        named = given.get("listen", "127.0.0.1:6543")
        if isinstance(named, list):
            if not named or not all(isinstance(entry, str) for entry in named):
                self.fail(at, 'must be an address such as "127.0.0.1:6543", or a list of them')
            listen = tuple(self.listen(at, entry) for entry in named)
        else:
            listen = (self.listen(at, self.string(at, "127.0.0.1:6543")),)
        control = self.listen(("proxy", "control"), self.string(("proxy", "control"), "127.0.0.1:6544"))
        cert = key = None
        if "tls" in given:
            self.table(("proxy", "tls"), ("cert", "key"))
            cert, key = (self.existing(("proxy", "tls", part)) for part in ("cert", "key"))
        for path, place in [*((at, one) for one in listen), (("proxy", "control"), control)]:
            if not place.loopback and cert is None:
                self.fail(
                    path,
                    f"{place} is not loopback, and passwords must not cross a network in clear text",
                    hint='Add tls = { cert = "…", key = "…" } to [proxy], or listen on 127.0.0.1.',
                )
        return ProxyConfig(
            listen,
            control,
            self.folder / self.string(("proxy", "users"), "users.toml"),
            self.folder / self.string(("proxy", "audit"), "audit/"),
            cast(AuditSync, self.choice(("proxy", "audit_sync"), get_args(AuditSync), "group")),
            cert,
            key,
        )

    def target(self, name: str) -> Target:
        at = ("target", name)
        given = self.table(at, _TARGET_KEYS)
        for key in ("dsn", "policy", "mask_key"):
            if key not in given:
                self.fail(at, f'"{key}" is missing', hint=_MISSING[key])
        dsn = self.string((*at, "dsn"))
        try:
            conninfo.parse(dsn)
            if self.check:
                conninfo.resolve(dsn, self.environ)
        except ValueError as error:
            self.fail((*at, "dsn"), str(error))
        if conninfo.has_password(dsn) and self._others_can_read(self.file):
            self.warnings.append(
                f"{self.file}: target.{name}.dsn holds a password, and others on this machine can read the "
                "file: chmod 0600 it, or use passfile="
            )
        kind = cast(TargetKind, self.choice((*at, "kind"), get_args(TargetKind), "auto"))
        return Target(name, dsn, self.existing((*at, "policy")), kind, self.mask_key((*at, "mask_key")))

    def mask_key(self, at: Sequence[str]) -> MaskKey:
        given = self.table(at, ("file", "env"))
        if len(given) != 1:
            self.fail(at, 'must be { file = "mask.key" } or { env = "DEVINPROD_MASK_KEY" }')
        if "env" in given:
            key = MaskKey(env=self.string((*at, "env")))
        else:
            key = MaskKey(file=self.folder / self.string((*at, "file")))
        if self.check:
            try:
                key.read(self.environ)
            except ValueError as error:
                self.fail(at, str(error), hint="devinprod key new > mask.key makes one; keep it (0600).")
            if key.file is not None and self._others_can_read(key.file):
                self.warnings.append(
                    f"{key.file}: others on this machine can read the mask key: chmod 0600 it"
                )
        return key

    def limits(self, at: tuple[str, ...], default: Limits) -> Limits:
        allowed = (*_LIMIT_KEYS, "roles") if len(at) == 1 else _LIMIT_KEYS
        given = self.table(at, allowed)
        found: dict[str, float] = {}
        for key in given:
            if key == "roles":
                continue
            value = self.node((*at, key))
            if key in _SECONDS:
                found[key] = self.quantity((*at, key), value, _UNITS_OF_TIME, "a duration", '"30min"')
            elif key == "bytes_per_minute" and isinstance(value, str):
                found[key] = int(self.quantity((*at, key), value, _UNITS_OF_SIZE, "a size", '"1GiB"'))
            elif isinstance(value, int) and not isinstance(value, bool):
                found[key] = value
            else:
                self.fail((*at, key), f"must be a whole number, not {_kind(value)}")
            if found[key] < 0 or (found[key] == 0 and key not in _MAY_BE_ZERO):
                self.fail((*at, key), "must be more than nothing")
        return replace(default, **found)  # type: ignore[arg-type]  # the loop above gave each key its type

    def quantity(
        self, at: Sequence[str], value: object, units: Mapping[str, float], what: str, example: str
    ) -> float:
        match = (
            re.fullmatch(r"\s*(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
            if isinstance(value, str)
            else None
        )
        if match is None or match[2] not in units:
            self.fail(at, f"must be {what} such as {example} (units: {', '.join(units)}), not {_kind(value)}")
        return float(match[1]) * units[match[2]]

    def listen(self, at: Sequence[str], text: str) -> Listen:
        if text.startswith("unix:"):
            if len(os.fsencode(text[5:])) > 107 or not text[5:]:
                self.fail(at, f'"{text}" is not the path of a socket (1 to 107 bytes)')
            return Listen(path=self.folder / text[5:])
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]\s]+)):(\d{1,5})", text)
        if match is None or int(match[3]) > 65535:
            self.fail(
                at, f'"{text}" is not an address such as "127.0.0.1:6543", "[::1]:6543" or "unix:/path"'
            )
        return Listen(match[1] or match[2], int(match[3]))

    def existing(self, at: Sequence[str]) -> Path:
        path = self.folder / self.string(at)
        if self.check:
            try:
                with path.open("rb"):
                    pass
            except OSError as error:
                self.fail(at, f"cannot read {path}: {error.strerror}")
        return path

    def choice(self, at: Sequence[str], allowed: Sequence[str], default: str) -> str:
        value = self.string(at, default)
        if value not in allowed:
            self.fail(at, f'"{value}" is not one of {", ".join(allowed)}')
        return value

    def string(self, at: Sequence[str], default: str | None = None) -> str:
        value = self.node(at, default)
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            self.fail(at, f"must be a text, not {_kind(value)}")
        return value

    def table(self, at: Sequence[str], allowed: Sequence[str] | None = None) -> Mapping[str, object]:
        """The table at *at* (empty when the file leaves it out); a key that is not *allowed* is an error."""
        value = self.node(at, {})
        if not isinstance(value, dict):
            self.fail(at, f"must be a table, not {_kind(value)}")
        for key in value:
            if allowed is not None and key not in allowed:
                hint = _nearest(key, allowed)
                self.fail((*at, key), "is not a key that devinprod knows", hint=hint)
        return value

    def node(self, at: Sequence[str], default: object = None) -> object:
        value: object = self.document
        for key in at:
            if not isinstance(value, dict) or key not in value:
                return default
            value = value[key]
        return value

    def fail(self, at: Sequence[str], message: str, *, hint: str | None = None) -> NoReturn:
        raise ConfigInvalid(
            message,
            file=str(self.file),
            line=line_of(self.text, at) if at else None,
            key=".".join(at) or None,
            hint=hint,
        )

    @staticmethod
    def _others_can_read(path: Path) -> bool:
        try:
            return bool(path.stat().st_mode & 0o044)
        except OSError:
            return False


_MISSING: Mapping[str, str] = {
    "dsn": 'Say where the database is, such as dsn = "host=127.0.0.1 port=5433 dbname=shop user=devinprod".',
    "policy": 'Say what may be seen: policy = "policy.toml". docs/policy.md shows how.',
    "mask_key": 'Say where the key of the masks is: mask_key = { file = "mask.key" } (devinprod key new).',
}


def _kind(value: object) -> str:
    """What a wrong value is, in TOML's words; its text only where it is short and no secret can be in it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if 0 < len(value) <= 40 else "this text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return {dict: "a table", list: "a list", type(None): "nothing"}.get(type(value), "this")


def _nearest(key: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, allowed, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(allowed)}."
