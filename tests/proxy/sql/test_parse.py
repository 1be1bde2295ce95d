"""Reading text: the server's own errors, its own limits."""

from __future__ import annotations

import pytest
from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql import parse
from devinprod_proxy.sql.statement import ClientSql


@pytest.mark.parametrize(
    ("text", "sqlstate", "message", "position"),
    [
        ("selec 1", "42601", 'syntax error at or near "selec"', 1),
        ("select 'é' frm x y", "42601", 'syntax error at or near "x"', 16),
        ("select 'abc", "42601", 'unterminated quoted string at or near "\'abc"', 8),
        ("select 1\0", "22021", 'invalid byte sequence for encoding "UTF8": 0x00', None),
        ("select '\ud800'", "22021", 'invalid byte sequence for encoding "UTF8"', None),
    ],
)
def test_bad_text_gets_the_servers_error(
    text: str, sqlstate: str, message: str, position: int | None
) -> None:
    found = parse.split(ClientSql(text))
    assert isinstance(found, Refusal)
    assert (found.sqlstate, found.message, found.position) == (sqlstate, message, position)


@pytest.mark.parametrize(
    "text",
    [
        "select " + "||".join(["a"] * 700),
        "select " + " + ".join(["a"] * 6_000),
        " union ".join(["select 1"] * 5_000),
        "select " + "(" * 30_000 + "1" + ")" * 30_000,
        "select " + "-+" * 5_000 + "a",
        "select " + "not " * 2_000 + "a",
        "select " + "case when a then " * 600 + "1" + " end" * 600,
    ],
)
def test_too_deep_is_54001(text: str) -> None:
    found = parse.split(ClientSql(text))
    assert isinstance(found, Refusal)
    assert found.sqlstate == "54001"


@pytest.mark.parametrize(
    "text",
    [
        "select " + "||".join(["a"] * 300),
        "select " + " or ".join(["a"] * 5_000),
        " union all ".join(["select 1"] * 300),
        "values " + ", ".join(["(1)"] * 20_000),
    ],
)
def test_long_is_not_deep(text: str) -> None:
    found = parse.split(ClientSql(text))
    assert not isinstance(found, Refusal)
    tree = parse.parse(text)
    assert not isinstance(tree, Refusal)
    assert parse.parse(parse.deparse(tree)) is not None


def test_statements_are_cut_where_the_server_cuts() -> None:
    found = parse.split(ClientSql("select 'é;'; -- ;\n select 2;;"))
    assert not isinstance(found, Refusal)
    assert [(s.asked, s.location, s.characters) for s in found] == [
        ("select 'é;'", 0, 0),
        ("select 2", 20, 19),
    ]


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing"])
def test_nothing_is_no_statement(text: str) -> None:
    assert parse.split(ClientSql(text)) == []


def test_depth_is_counted_on_the_bytes() -> None:
    raw = parse.parse_bytes("select 1")
    assert not isinstance(raw, Refusal)
    assert not parse.deeper_than(raw, 20)
    assert parse.deeper_than(raw, 5)


def test_a_text_that_would_keep_everybody_waiting_is_not_read() -> None:
    found = parse.split(ClientSql("select '" + "a" * parse.MAX_TEXT + "'"))
    assert isinstance(found, Refusal)
    assert found.sqlstate == "54000"
