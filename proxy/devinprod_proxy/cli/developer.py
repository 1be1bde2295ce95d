"""``devinprod login`` and ``devinprod session``: a developer's own credential and sessions."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any
from urllib.parse import quote

from devinprod_proxy.cli import place
from devinprod_proxy.cli.control_client import ControlClient
from devinprod_proxy.cli.output import CommandFailed, complain, plain, table
from devinprod_proxy.cli.users import first_line

Json = dict[str, Any]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    login = commands.add_parser(
        "login",
        help="store where the proxy is and who you are (0600)",
        description="Asks for what is not said. The proxy checks the password before anything is stored.",
    )
    login.add_argument("--proxy", metavar="HOST:PORT", help="where the proxy listens")
    login.add_argument("--control", metavar="URL", help="its control API (default: one port further)")
    login.add_argument("--user", metavar="NAME")
    login.add_argument("--target", default="", metavar="NAME", help="the target to work on by default")
    login.add_argument("--sslmode", default="", metavar="MODE", help="as for libpq")
    login.add_argument("--sslrootcert", default="", metavar="FILE", help="who may certify the proxy")
    login.add_argument(
        "--password-stdin", action="store_true", help="the password is the first line of standard input"
    )
    login.set_defaults(carry_out=_login)

    session = commands.add_parser("session", help="your sessions: list, show, changes, reset, end")
    actions = session.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, what, carry_out in (
        ("list", "your sessions", _list),
        ("show", "one session: target, state, limits", _show),
        ("changes", "what would have been committed", _changes),
        ("reset", "roll everything back and go on with a fresh world", _reset),
        ("end", "roll everything back and let every client go", _end),
    ):
        one = actions.add_parser(name, help=what, description=what)
        if name != "list":
            one.add_argument("name", metavar="NAME", help="without your user name in front")
        one.add_argument("--json", action="store_true", help="the control API's own answer")
        one.set_defaults(carry_out=carry_out)


def _login(said: argparse.Namespace) -> int:
    proxy = said.proxy or _ask("Proxy (HOST:PORT)", "--proxy")
    user = said.user or _ask("User", "--user")
    password = first_line() if said.password_stdin else _ask(f"Password of {user}", "--password-stdin", True)
    host, port = place.host_and_port(proxy)
    control = said.control or place.control_beside(proxy)
    values = {
        "proxy": f"{f'[{host}]' if ':' in host else host}:{port}",
        "control": control if "://" in control else f"http://{control}",
        "user": user,
        "password": password,
        "target": said.target,
        "sslmode": said.sslmode,
        "sslrootcert": said.sslrootcert,
    }
    ControlClient(
        place.Place(
            host, port, values["control"].rstrip("/"), user, password, "", "", said.sslmode, said.sslrootcert
        )
    ).login()
    try:
        path = place.store(values)
    except OSError as error:
        raise CommandFailed(f"the credential cannot be stored: {error.strerror}") from None
    print(f"Logged in as {user}. The credential is in {path} (only you can read it).")
    return 0


def _ask(what: str, option: str, secret: bool = False) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what} is not said", f"Use {option}: there is no terminal to ask at.", status=2)
    answer = getpass.getpass(f"{what}: ") if secret else input(f"{what}: ").strip()
    if not answer:
        raise CommandFailed(f"{what} is not said", status=2)
    return answer


# -------------------------------------------------------------------- sessions


def _call(method: str, name: str | None = None, rest: str = "") -> Json:
    path = "/v1/sessions" if name is None else f"/v1/sessions/{quote(name, safe='')}{rest}"
    return ControlClient(place.find_place()).call(method, path)


def _shown_as_json(said: argparse.Namespace, answer: object) -> bool:
    if said.json:
        print(json.dumps(answer, indent=2))
    return bool(said.json)


def _list(said: argparse.Namespace) -> int:
    sessions = _call("GET")["sessions"]
    if _shown_as_json(said, sessions):
        return 0
    if not sessions:
        return complain("you have no session; connecting as USER/NAME opens one", status=0)
    rows = [
        (
            one.get("name"),
            one.get("target"),
            one.get("state"),
            one.get("change_count", 0),
            one.get("clients", 0),
            duration(one.get("age_s")),
            duration(one.get("idle_s")),
            one.get("reason"),
        )
        for one in sessions
    ]
    table(("SESSION", "TARGET", "STATE", "CHANGES", "CLIENTS", "AGE", "IDLE", "REASON"), rows)
    return 0


def _show(said: argparse.Namespace) -> int:
    one = _call("GET", said.name)
    if _shown_as_json(said, one):
        return 0
    state = one.get("state")
    lines = [
        ("session", f"{one.get('user')}/{one.get('name')} as {one.get('role')}"),
        ("target", f"{one.get('target')} ({one.get('kind')}){', read-only' if one.get('read_only') else ''}"),
        ("reason", one.get("reason")),
        ("state", f"{state}: {one['lost_reason']}" if one.get("lost_reason") else state),
        (
            "opened",
            f"{one.get('opened_at')}, {duration(one.get('age_s'))} ago; ends by {one.get('expires_at')}",
        ),
        ("idle", duration(one.get("idle_s"))),
        ("masked", f"{one.get('masked_columns')} of {one.get('columns')} columns"),
        ("clients", one.get("clients")),
        ("statements", one.get("statements")),
    ]
    lines += [(name, _meter(meter)) for name, meter in one.get("limits", {}).items() if "per" in meter]
    for name, value in lines:
        if value not in (None, ""):
            print(f"{name + ':':12}{plain(value)}")
    _print_tables(one.get("changes", []))
    return 0


def _changes(said: argparse.Namespace) -> int:
    answer = _call("GET", said.name, "/changes")
    if _shown_as_json(said, answer):
        return 0
    _print_tables(answer.get("tables", []))
    if not answer.get("exact", True):
        print("Approximate: triggers or cascades wrote too.")
    for one in answer.get("journal", []):
        undone = " (undone)" if one.get("undone") else ""
        print(f"{plain(one.get('at'))}  {plain(one.get('rows')):>6}  {plain(one.get('asked'))}{undone}")
    return 0


def _reset(said: argparse.Namespace) -> int:
    answer = _call("POST", said.name, "/reset")
    if not _shown_as_json(said, answer):
        lost = answer.get("lost", {})
        what = f"{_counted(lost.get('statements', 0), 'statement')}, {_counted(lost.get('rows', 0), 'row')}"
        print(f"{said.name} was reset in {answer.get('ms', 0):.0f} ms. Gone: {what}. Nothing was committed.")
    return 0


def _end(said: argparse.Namespace) -> int:
    answer = _call("DELETE", said.name)
    if not _shown_as_json(said, answer):
        rows = _counted(answer.get("rows_changed", 0), "changed row")
        what = f"{_counted(answer.get('statements', 0), 'statement')}, {rows}"
        print(f"{said.name} has ended: {what}. Nothing was committed.")
    return 0


def _print_tables(tables: list[Json]) -> None:
    if not tables:
        print("No changes.")
        return
    rows = [
        (
            f"{one.get('schema')}.{one.get('table')}{' (truncated)' if one.get('truncated') else ''}",
            *(one.get(verb, 0) for verb in ("inserted", "updated", "deleted")),
        )
        for one in tables
    ]
    table(("TABLE", "INSERTED", "UPDATED", "DELETED"), rows)


def _meter(meter: Json) -> str:
    return f"{meter.get('used', 0):,} of {meter.get('limit', 0):,} per {meter['per']}"


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(3700)
    '1h 1min'
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}min"
    return f"{minutes}min {rest}s" if minutes else f"{rest}s"
