"""What may be typed after the magics."""

from __future__ import annotations

from typing import Any

import pytest

from devinprod_jupyter.errors import WrongUse
from devinprod_jupyter.options import COMMANDS, SqlLine, help_text, parse, sql_line


def test_connect_takes_what_the_interface_says() -> None:
    name, arguments = parse('connect checkout-bug --target shop --reason "ticket 4711: {x} $y" --proxy h:1')
    assert name == "connect"
    assert vars(arguments) == {
        "name": "checkout-bug",
        "target": "shop",
        "reason": "ticket 4711: {x} $y",
        "proxy": "h:1",
        "control": None,
        "help": False,
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    assert parse(f"{command} --help")[1].help
    text = help_text(command)
    assert text.startswith(f"%devinprod {command}")
    assert COMMANDS[command].does in " ".join(text.split())
    assert f"%devinprod {command}" in help_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("conect x", "no command 'conect'"),
        ("connect a b", "unrecognized arguments: b"),
        ("reset --force", "unrecognized arguments: --force"),
        ('connect x --reason "open', "not closed"),
        ("policy", "the following arguments are required: table"),
    ],
)
def test_wrong_lines(line: str, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        parse(line)


def test_a_near_miss_is_guessed() -> None:
    with pytest.raises(WrongUse) as caught:
        parse("stauts")
    assert caught.value.hint == "Did you mean %devinprod status?"


@pytest.mark.parametrize(
    ("line", "options", "name", "rest"),
    [
        ("", {}, None, ""),
        ("SELECT 'a b' -- note", {}, None, "SELECT 'a b' -- note"),
        ("-- note", {}, None, "-- note"),
        ("--limit 5 SELECT 1", {"limit": 5}, None, "SELECT 1"),
        ("--limit=1_000 rows <<", {"limit": 1000}, "rows", ""),
        ("rows << SELECT a << 2", {}, "rows", "SELECT a << 2"),
        ("--explain --format arrow r<<SELECT 1", {"explain": True, "format": "arrow"}, "r", "SELECT 1"),
        ('SELECT "quo ted", $x, {y}', {}, None, 'SELECT "quo ted", $x, {y}'),
    ],
)
def test_sql_stays_as_it_was_typed(line: str, options: dict[str, Any], name: str | None, rest: str) -> None:
    assert sql_line(line) == SqlLine(options, name, rest)


@pytest.mark.parametrize(
    "line", ["--limt 5 SELECT 1", "--limit x SELECT 1", "--limit", "--format csv SELECT 1"]
)
def test_wrong_options_of_devsql(line: str) -> None:
    with pytest.raises(WrongUse):
        sql_line(line)
