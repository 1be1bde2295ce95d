"""``devinprod run``: any program, with its database connections in a session.

The program gets libpq's variables.  The password goes through a file of its own (0600, in a folder of
its own) that is removed when the program ends: variables can be read by others of the same user, and
are inherited by everything the program starts.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from devinprod_proxy.cli.control_client import ControlClient
from devinprod_proxy.cli.output import CommandFailed, complain
from devinprod_proxy.cli.place import Place, find_place

# What would send a connection elsewhere, or win over what is set here.
_MISLEADING = ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGPASSWORD", "PGOPTIONS", "PGREQUIRESSL")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this command to the parser."""
    run = commands.add_parser(
        "run",
        help="run a program with its database connections in a session",
        usage="devinprod run --session NAME [--target NAME] -- COMMAND …",
        description="Exits with the program's own status. The program finds the session by PGHOST, PGPORT, "
        "PGUSER, PGDATABASE and PGPASSFILE; a DATABASE_URL is replaced by one that leads there.",
    )
    run.add_argument("--session", required=True, metavar="NAME", help="without your user name in front")
    run.add_argument(
        "--target", metavar="NAME", help="the target (default: DEVINPROD_TARGET, login's, the only one)"
    )
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="COMMAND", help="behind --")
    run.set_defaults(carry_out=_run)


def _run(said: argparse.Namespace) -> int:
    program = said.program[1:] if said.program[:1] == ["--"] else said.program
    if not program:
        raise CommandFailed(
            "which program is to run is not said", "devinprod run --session NAME -- COMMAND", 2
        )
    place = find_place()
    target = said.target or place.target
    if not place.host:
        raise CommandFailed(
            "where the proxy listens is not known", "Set DEVINPROD_PROXY, or `devinprod login`."
        )
    if not place.password:
        raise CommandFailed("the password is not known", "Set DEVINPROD_PASSWORD, or `devinprod login`.")
    if not target:
        # Where the session is open already, or the only target that this proxy has.
        session = ControlClient(place).call("POST", "/v1/sessions", {"name": said.session})
        target = str(session["target"])
    with tempfile.TemporaryDirectory(prefix="devinprod-run-") as folder:  # 0700
        passfile = Path(folder) / "pgpass"
        fd = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(":".join(["*", "*", "*", "*", _escaped(place.password)]) + "\n")
        environ = environment(os.environ, place, said.session, target, passfile)
        if os.environ.get("DATABASE_URL"):
            print("devinprod: DATABASE_URL is replaced by one that leads into the session", file=sys.stderr)
        return _carried_out(program, environ)


def environment(
    environ: Mapping[str, str], place: Place, session: str, target: str, passfile: Path
) -> dict[str, str]:
    """The variables of a program whose connections belong into *session*.

    >>> place = Place("h", 6543, "", "ann", "", "", "shop", "", "")
    >>> environment({}, place, "bug", "shop", Path("/p"))["PGUSER"]
    'ann/bug'
    """
    user = f"{place.user}/{session}"
    found = {key: value for key, value in environ.items() if key not in _MISLEADING}
    found |= {
        "PGHOST": place.host,
        "PGPORT": str(place.port),
        "PGUSER": user,
        "PGDATABASE": target,
        "PGPASSFILE": str(passfile),
        "DEVINPROD_SESSION": session,
    }
    if place.sslmode:
        found["PGSSLMODE"] = place.sslmode
    if place.sslrootcert:
        found["PGSSLROOTCERT"] = place.sslrootcert
    if environ.get("DATABASE_URL"):
        # What stood there leads past the session, to wherever the program writes for good.
        host = f"[{place.host}]" if ":" in place.host else place.host
        where = f"{host}:{place.port}/{quote(target, safe='')}"
        found["DATABASE_URL"] = f"postgresql://{quote(user, safe='')}@{where}"
    return found


def _carried_out(program: list[str], environ: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(program, env=dict(environ))
    except OSError as error:
        return complain(f"{program[0]} cannot be run: {error.strerror}", status=127)
    # Ctrl-C reaches the program by itself (same terminal); what is sent to us alone is passed on.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: child.terminate()),
        signal.SIGHUP: signal.signal(signal.SIGHUP, lambda *_: child.send_signal(signal.SIGHUP)),
    }
    try:
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")
