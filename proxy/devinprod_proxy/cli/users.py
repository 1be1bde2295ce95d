"""``devinprod user`` and ``devinprod key``: who may log in, and the key of the masks."""

from __future__ import annotations

import argparse
import secrets
import sys
from typing import TYPE_CHECKING

from devinprod_proxy.cli.output import CommandFailed, complain, table
from devinprod_proxy.config import load_config

if TYPE_CHECKING:
    from devinprod_proxy.server.users import Users


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    user = commands.add_parser("user", help="who may log in: add, remove, list")
    actions = user.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser(
        "add",
        help="add a user, or give one a new password and role",
        description="Without --password-stdin a password is made and printed, once.",
    )
    one.add_argument("name", metavar="NAME")
    one.add_argument("--role", default="developer", help="the role in the policy (default: %(default)s)")
    one.add_argument(
        "--password-stdin", action="store_true", help="the password is the first line of standard input"
    )
    one.set_defaults(carry_out=_add)
    one = actions.add_parser("remove", help="remove a user; tokens and new connections end at once")
    one.add_argument("name", metavar="NAME")
    one.set_defaults(carry_out=_remove)
    one = actions.add_parser("list", help="list the users and their roles")
    one.set_defaults(carry_out=_list)
    for action in actions.choices.values():
        action.add_argument("--config", required=True, metavar="FILE", help="devinprod.toml")

    key = commands.add_parser("key", help="the key of the masks: new")
    actions = key.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser(
        "new",
        help="make a mask key: 64 hexadecimal digits",
        description="Prints a new key. Keep it: `(umask 077; devinprod key new > mask.key)`.",
    )
    one.set_defaults(carry_out=_key)


def first_line() -> str:
    """The password on standard input: its first line, of any length, without the line's end.

    Raises CommandFailed when there is none.
    """
    line = sys.stdin.readline()
    password = line.removesuffix("\n").removesuffix("\r")
    if not password:
        raise CommandFailed("there is no password on standard input", "Its first line is the password.")
    return password


def _users(said: argparse.Namespace) -> Users:
    from devinprod_proxy.server.users import Users

    return Users.load(load_config(said.config, check_files=False).proxy.users)


def _add(said: argparse.Namespace) -> int:
    users = _users(said)
    made = None if said.password_stdin else secrets.token_urlsafe(18)
    try:
        new = users.add(said.name, made or first_line(), said.role)
    except ValueError as error:
        raise CommandFailed(str(error), status=2) from None
    print(f"{said.name} ({said.role}) {'added to' if new else 'changed in'} {users.path}", file=sys.stderr)
    if made:
        print("The password, shown this once:", file=sys.stderr, flush=True)
        print(made)
    return 0


def _remove(said: argparse.Namespace) -> int:
    users = _users(said)
    try:
        users.remove(said.name)
    except KeyError:
        return complain(f"{users.path} has no user {said.name}")
    print(f"{said.name} removed from {users.path}", file=sys.stderr)
    return 0


def _list(said: argparse.Namespace) -> int:
    users = _users(said)
    table(("USER", "ROLE"), [(name, users.role(name)) for name in users.names()])
    return 0


def _key(said: argparse.Namespace) -> int:
    print(secrets.token_hex(32))
    return 0
