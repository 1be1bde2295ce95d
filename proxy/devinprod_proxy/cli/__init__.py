"""What does somebody type?  ``devinprod COMMAND …``.

Each module of this folder adds the commands of one kind of person to the parser and imports what they
need only when they run: an installation with few extras still has the commands that it can carry out,
and says for the others which extra they need.

Exit codes: 0 done, 1 refused or failed, 2 wrong use (a broken configuration file included).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from devinprod_proxy.cli import audit, developer, doctor, operate, policy, run, users
from devinprod_proxy.cli.output import EXTRA_OF, CommandFailed, complain
from devinprod_proxy.errors import DevinprodError, FileInvalid

_DESCRIPTION = "Debug on production data: sessions that can never commit, masked and audited."


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="devinprod", description=_DESCRIPTION)
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for module in (operate, doctor, users, policy, developer, run, audit):
        module.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit code.  Nothing escapes as a traceback but our own bugs.

    >>> main(["key", "new"])                    # doctest: +SKIP
    0
    """
    top = parser()
    said = top.parse_args(argv)
    if said.version:
        print(f"devinprod {_version()}")
        return 0
    if said.command is None:
        top.print_help(sys.stderr)
        return 2
    try:
        return int(said.carry_out(said) or 0)
    except CommandFailed as error:
        return complain(str(error), error.hint, error.status)
    except FileInvalid as error:
        return complain(str(error), error.refusal.hint, 2)
    except DevinprodError as error:
        return complain(str(error), error.refusal.hint)
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        extra = "demo" if said.command == "demo" else extra
        command = f"pip install 'devinprod[{extra}]'"
        return complain(
            f'devinprod {said.command} needs the extra "{extra}", which is not installed', command
        )
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has seen enough; nothing more to say
        return 1
    except KeyboardInterrupt:
        return 130


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("devinprod")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
