"""Who may log in, and who is calling?

``users.toml`` holds one table per user: a role and a SCRAM-SHA-256 verifier, never a password.  The
running proxy reads it anew when it changes; a version that cannot be read changes nothing.

Tokens of the control API are signed and stored nowhere.  The signing key is derived from the user's
verifier, so a new password or a removed user ends them at once.  (And so users.toml is as secret as
the tokens: 0600.)
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import tempfile
import time
import tomllib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scramp import ScramException, ScramMechanism

from devinprod_proxy.errors import ConfigInvalid
from devinprod_proxy.pgwire.scram import SCRAM, make_verifier, parse_verifier
from devinprod_proxy.toml_lines import line_of, syntax_error

DEFAULT_ROLE = "developer"
TOKEN_SECONDS = 24 * 3600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}")
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_HEADER = "# Written by `devinprod user`. Verifiers, not passwords; still, keep it to yourself (0600).\n"


@dataclass(frozen=True, slots=True)
class User:
    """One entry of the file."""

    role: str
    verifier: str


class Users:
    """The users of one file.

    >>> users = Users.load(Path("users.toml"))              # doctest: +SKIP
    >>> users.add("alice", "correct horse")                 # doctest: +SKIP
    >>> users.check_token(users.issue_token("alice")[0])    # doctest: +SKIP
    'alice'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        """Why the file as it stands now is not in force, if it is not."""
        self._users: Mapping[str, User] = {}
        self._version: tuple[int, int, int] | None = None

    @classmethod
    def load(cls, path: Path) -> Users:
        """Read the file, made empty (0600) when there is none.  Raises ConfigInvalid."""
        users = cls(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            version = _version(path)
            users._users = _read(path)
            users._version = version
        except OSError as error:
            raise ConfigInvalid(f"cannot be read: {error.strerror}", file=str(path)) from None
        return users

    def names(self) -> list[str]:
        """Every user, sorted."""
        return sorted(self._fresh())

    def verifier(self, user: str) -> str | None:
        """The user's SCRAM verifier, None for an unknown user."""
        entry = self._fresh().get(user)
        return None if entry is None else entry.verifier

    def role(self, user: str) -> str:
        """The user's role.  Raises KeyError for an unknown user."""
        return self._fresh()[user].role

    def check_password(self, user: str, password: str) -> bool:
        """Whether that is the user's password; takes as long for a user who does not exist."""
        entry = self._fresh().get(user)
        verifier = parse_verifier(_NOBODY if entry is None else entry.verifier)
        try:
            made = ScramMechanism(SCRAM).make_auth_info(password, verifier.iterations, verifier.salt)
        except (ScramException, ValueError):
            return False
        return hmac.compare_digest(made[1], verifier.stored_key) and entry is not None

    # ---------------------------------------------------------------- tokens

    def issue_token(self, user: str, seconds: float = TOKEN_SECONDS) -> tuple[str, float]:
        """A token for the control API and when it ends (seconds of the epoch).

        Raises KeyError for an unknown user.
        """
        expiry = int(time.time() + seconds)
        said = f"{_base64(user.encode())}.{expiry}"
        return f"{said}.{_base64(_signature(self._fresh()[user].verifier, said))}", float(expiry)

    def check_token(self, token: str) -> str | None:
        """The user whose token it is; None when it is forged, expired, or the user is gone."""
        said, _, signature = token.rpartition(".")
        name, _, expiry = said.partition(".")
        try:
            user = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
            given = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            until = int(expiry)
        except ValueError:
            return None
        entry = self._fresh().get(user)
        if entry is None or not hmac.compare_digest(given, _signature(entry.verifier, said)):
            return None
        return user if time.time() < until else None

    # ---------------------------------------------------------------- changes

    def add(self, user: str, password: str, role: str = DEFAULT_ROLE) -> bool:
        """Add a user, or give one a new password and role; whether the user is new.

        Raises ValueError for a name, role or password that cannot be one.
        """
        if not _NAME.fullmatch(user):
            allowed = "letters, digits and . _ @ + -, at most 63, first a letter or digit"
            raise ValueError(f"{user!r} cannot be a user name: {allowed}")
        if not _ROLE.fullmatch(role):
            allowed = "letters, digits, _ and -, at most 63, first a letter"
            raise ValueError(f"{role!r} cannot be a role: {allowed}")
        entry = User(role, make_verifier(password))
        with self._changing() as users:
            new = user not in users
            users[user] = entry
        return new

    def remove(self, user: str) -> None:
        """Remove a user, whose tokens end at once.  Raises KeyError for an unknown user."""
        with self._changing() as users:
            del users[user]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """The users as they stand in the file, written back whole; one change at a time."""
        lock = _locked(self.path)
        try:
            users = _read(self.path)
            yield users
            _write(self.path, users)
            self._users, self._version = users, _version(self.path)
            self.problem = None
        finally:
            os.close(lock)

    def _fresh(self) -> Mapping[str, User]:
        """The users, read anew if the file changed."""
        try:
            version = _version(self.path)
            if version != self._version:
                self._version = version
                self._users, self.problem = _read(self.path), None
        except (OSError, ConfigInvalid) as error:
            self.problem = f"{error} (the users read before stay in force)"
        return self._users


def _version(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path) -> dict[str, User]:
    """Raises OSError and ConfigInvalid."""
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ConfigInvalid("is not UTF-8 text", file=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        message, line = syntax_error(error, text)
        raise ConfigInvalid(f"is not TOML: {message}", file=str(path), line=line) from None

    def fail(at: list[str], what: str) -> ConfigInvalid:
        return ConfigInvalid(what, file=str(path), line=line_of(text, at), key=".".join(at))

    users: dict[str, User] = {}
    for key in document:
        if key != "users":
            raise fail([key], "is not a key that devinprod knows: only [users.NAME] can stand here")
    tables = document.get("users", {})
    if not isinstance(tables, dict):
        raise fail(["users"], "must be a table")
    for name, table in tables.items():
        at = ["users", name]
        if not isinstance(table, dict) or set(table) != {"role", "verifier"}:
            raise fail(at, 'must have exactly "role" and "verifier" (devinprod user add writes them)')
        role, verifier = table["role"], table["verifier"]
        if not _NAME.fullmatch(name):
            raise fail(at, "cannot be a user name")
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise fail([*at, "role"], "is no role")
        try:
            parse_verifier(verifier if isinstance(verifier, str) else "")
        except ValueError as error:
            raise fail([*at, "verifier"], f"{error} (devinprod user add makes one)") from None
        users[name] = User(role, verifier)
    return users


def _write(path: Path, users: Mapping[str, User]) -> None:
    """Replace the file by rename, so that a reader sees the old or the new one."""
    parts = [_HEADER]
    for name in sorted(users):
        # A JSON string of these characters is a TOML string too.
        parts.append(f"\n[users.{json.dumps(name)}]\nrole = {json.dumps(users[name].role)}\n")
        parts.append(f"verifier = {json.dumps(users[name].verifier)}\n")
    fd, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write("".join(parts))
            file.flush()
            os.fsync(fd)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def _locked(path: Path) -> int:
    """A descriptor that holds the lock on the file now at *path* (it is replaced at each change)."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            if os.fstat(fd).st_ino == os.stat(path).st_ino:
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)


def _signature(verifier: str, said: str) -> bytes:
    key = hashlib.sha256(b"devinprod control token\0" + verifier.encode()).digest()
    return hmac.digest(key, said.encode(), "sha256")


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


_NOBODY = make_verifier(urlsafe_b64encode(os.urandom(24)).decode())
