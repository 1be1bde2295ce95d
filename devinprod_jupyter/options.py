"""What may be typed after ``%devinprod`` and ``%%devsql``?

One table, from which the parsers, ``--help`` and ``%devinprod help`` come. SQL never goes through an argument
parser: it would eat ``--``.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from devinprod_jupyter.errors import WrongUse

__all__ = ["COMMANDS", "HELP_DEVSQL", "SqlLine", "help_text", "parse", "sql_line"]

Argument = tuple[Sequence[str], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """One subcommand of ``%devinprod``."""

    name: str
    does: str
    arguments: Sequence[Argument] = ()
    example: str = ""


@dataclass(frozen=True)
class SqlLine:
    """The parts of a ``devsql`` line: its options, the name before ``<<``, the rest verbatim."""

    options: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    rest: str = ""


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "connect",
            "open a session, or join it where it is open",
            (
                (["name"], {"nargs": "?", "default": "default", "help": "name of the session"}),
                (["--target"], {"metavar": "NAME", "help": "the [target] of the proxy to work on"}),
                (["--reason"], {"metavar": "TEXT", "help": "why; it stands in the audit record"}),
                (["--proxy"], {"metavar": "HOST:PORT", "help": "the proxy, where it is not the usual one"}),
                (
                    ["--control"],
                    {"metavar": "URL", "help": "its control API; port of the proxy + 1 if left out"},
                ),
            ),
            '%devinprod connect checkout-bug --target shop --reason "ticket 4711"',
        ),
        Command("status", "what the session is, what it holds, what is left of the budget"),
        Command("changes", "what would have changed, table by table; returns the frame"),
        Command("journal", "the statements that changed something; kept after `end`"),
        Command("reset", "drop everything that the session changed"),
        Command(
            "end",
            "roll back and close the session",
            ((["--leave"], {"action": "store_true", "help": "only leave it: it stays open at the proxy"}),),
            "%devinprod end",
        ),
        Command("sessions", "all of your sessions at this proxy"),
        Command(
            "use",
            "import your working copy, send its connections into the session, reload it before each cell",
            (
                (["packages"], {"nargs": "*", "metavar": "PACKAGE", "help": "what `import` would be given"}),
                (
                    ["--database"],
                    {
                        "action": "append",
                        "default": [],
                        "metavar": "NAME",
                        "help": "another database name of the code that is the same database",
                    },
                ),
                (["--no-reload"], {"action": "store_true", "help": "do not reload it before each cell"}),
            ),
            "%devinprod use shop_service",
        ),
        Command("audit", "the audit records of this session's cells; returns the frame"),
        Command(
            "policy",
            "what is masked in a table, and how",
            ((["table"], {"help": "schema.table"}),),
            "%devinprod policy public.customers",
        ),
        Command("help", "this list", ((["command"], {"nargs": "?", "help": "of one command"}),)),
    )
}

HELP_DEVSQL = """%%devsql [options] [name <<] then SQL in the cell's body;  %devsql the same on one line

  name <<        put the result into a variable instead of showing it
  :name          a variable of the notebook, bound, never pasted; lists for IN :ids, = ANY(:ids)
  --limit N      rows at most (0: all); the cut is said
  --format F     frame (default), arrow, rows
  --explain      show the plan instead of running it
  trailing ;     shows nothing

  %%devsql orders <<
  SELECT * FROM orders WHERE id = :order_id"""


class _Parser(argparse.ArgumentParser):
    """argparse without sys.exit and without printing."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"%{self.prog}: {message}.", hint=f"%{self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise WrongUse(message or f"%{self.prog}: not understood.")


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        namespace.help = True
        # The command's own requirements do not matter then.
        for action in parser._actions:
            action.required = False


def _parser(command: Command) -> _Parser:
    parser = _Parser(
        f"devinprod {command.name}", description=command.does, add_help=False, allow_abbrev=False
    )
    for names, settings in command.arguments:
        parser.add_argument(*names, **settings)
    parser.add_argument("--help", "-h", nargs=0, action=_Help, default=False, help="this text")
    return parser


def parse(line: str) -> tuple[str, argparse.Namespace]:
    """The command of a ``%devinprod`` line and its arguments. Raises WrongUse.

    >>> name, arguments = parse('connect checkout-bug --reason "ticket 4711"')
    >>> name, arguments.name, arguments.reason
    ('connect', 'checkout-bug', 'ticket 4711')
    """
    try:
        words = shlex.split(line, comments=False)
    except ValueError:
        raise WrongUse("A quotation mark is not closed.", hint="%devinprod help") from None
    if not words:
        return "", argparse.Namespace(help=False)
    name, *rest = words
    if name in {"--help", "-h", "-?"}:
        return "help", argparse.Namespace(help=False, command=None)
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, 1)
        hint = f"Did you mean %devinprod {close[0]}?" if close else "%devinprod help lists the commands."
        raise WrongUse(f"%devinprod has no command {name!r}.", hint=hint)
    if "--help" in rest or "-h" in rest:
        return name, argparse.Namespace(help=True)
    return name, _parser(COMMANDS[name]).parse_args(rest)


def help_text(name: str | None = None) -> str:
    """The list of commands, or all about one of them."""
    if name == "devsql":
        return HELP_DEVSQL
    if name is not None:
        if name not in COMMANDS:
            raise WrongUse(f"%devinprod has no command {name!r}.", hint="%devinprod help lists the commands.")
        command = COMMANDS[name]
        text = _parser(command).format_help().replace("usage: ", "%", 1).strip()
        return text + (f"\n\nexample: {command.example}" if command.example else "")
    width = max(len(command) for command in COMMANDS)
    lines = [f"  %devinprod {command.name:<{width}}  {command.does}" for command in COMMANDS.values()]
    return "\n".join(
        [*lines, "", HELP_DEVSQL, "", "More on each: %devinprod COMMAND --help. Settings: %config DevInProd"]
    )


_NAME = re.compile(r"\s*([^\W\d]\w*)\s*<<[ \t]*")


def sql_line(line: str) -> SqlLine:
    """The options in front of the SQL; everything from the first word that is none on stays as it was typed.

    >>> sql_line("--limit 5 rows << SELECT 1 -- note")
    SqlLine(options={'limit': 5}, name='rows', rest='SELECT 1 -- note')
    """
    options: dict[str, Any] = {}
    takes: dict[str, Callable[[str], Any] | None] = {
        "--limit": _rows, "--format": _format, "--explain": None, "--help": None
    }  # fmt: skip
    while match := re.match(r"\s*(--[A-Za-z][\w-]*)(?:=(\S*))?(?=\s|$)", line):
        option, value = match.groups()
        if option not in takes:
            close = get_close_matches(option, takes, 1)
            raise WrongUse(
                f"%devsql has no option {option}.",
                hint=f"Did you mean {close[0]}?"
                if close
                else "%devsql --help. A comment at the start wants a space: --",
            )
        line = line[match.end() :]
        read = takes[option]
        if read is None:
            options[option[2:]] = True
            continue
        if value is None:
            following = re.match(r"\s*(\S+)", line)
            if not following:
                raise WrongUse(f"{option} wants a value.", hint="%devsql --help")
            value, line = following.group(1), line[following.end() :]
        options[option[2:]] = read(value)
    name = _NAME.match(line)
    if name:
        return SqlLine(options, name.group(1), line[name.end() :])
    return SqlLine(options, None, line.lstrip(" \t"))


def _rows(value: str) -> int:
    if not value.replace("_", "").isdigit():
        raise WrongUse(f"--limit wants a number of rows, not {value!r}.", hint="0 stands for all")
    return int(value)


def _format(value: str) -> str:
    if value not in {"frame", "arrow", "rows"}:
        raise WrongUse(f"--format knows frame, arrow and rows, not {value!r}.")
    return value
