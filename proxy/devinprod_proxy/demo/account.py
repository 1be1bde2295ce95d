"""As whom does the embedded PostgreSQL run?

PostgreSQL refuses to run as root. As root it therefore runs as ``nobody``; as an ordinary user it
runs as that user. ``nobody`` must be able to reach the program and its data, which a home folder
of mode 0700 or a umask of 077 prevents: hence the checks here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class PopenAccount(TypedDict, total=False):
    """The arguments of :class:`subprocess.Popen` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group that child processes change to; ``None`` instead of one means: stay."""

    uid: int
    gid: int

    def popen(self) -> PopenAccount:
        """What to pass to :class:`subprocess.Popen` to run as this account, in no other group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give *path* to this account."""
        os.chown(path, self.uid, self.gid)

    def enters(self, folder: Path) -> bool:
        """True when this account may pass through *folder* and everything above it.

        Mode bits only: an access list may still forbid it, and then starting says so.
        """
        resolved = folder.resolve()
        return all(_may_enter(part.stat(), self) for part in (resolved, *resolved.parents))


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def postgres_account() -> Account | None:
    """The account that PostgreSQL has to run as, or None when our own will do.

    >>> postgres_account() is None or os.geteuid() == 0
    True
    """
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(nobody.pw_uid, nobody.pw_gid)


# A socket's path has room for 107 bytes (unix(7)); the file name in it takes about 30.
_LONGEST_FOLDER = 70


def new_folder(prefix: str, account: Account | None) -> Path:
    """A fresh temp folder of mode 0700 that belongs to *account* and whose path suits a socket.

    The system's temp folder is used unless its path is too long or *account* cannot enter it;
    then ``/tmp``.
    """
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) > _LONGEST_FOLDER or (account is not None and not account.enters(parent)):
        parent = Path("/tmp")  # noqa: S108 - mkdtemp makes the folder under it
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    if account is not None:
        try:
            account.own(folder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return folder
