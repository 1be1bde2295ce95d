"""What a client says comes out as it went in, and nothing may be left over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from struct import pack

import pytest
from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import frontend as f
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
RAW = st.binary(max_size=40).filter(lambda raw: 0 not in raw)
OIDS = st.lists(st.integers(0, 0xFFFF_FFFF), max_size=5)
CODES = st.sampled_from([0, 1])


@given(TEXT, RAW, OIDS)
def test_parse(name: str, sql: bytes, oids: list[int]) -> None:
    assert f.parse_parse(f.parse(name, sql, oids)[5:]) == (name, sql, tuple(oids))


@given(
    TEXT, TEXT, st.lists(st.none() | st.binary(max_size=50), max_size=6), st.lists(CODES, max_size=3), CODES
)
def test_bind(portal: str, statement: str, values: list[bytes | None], results: list[int], code: int) -> None:
    for formats in ([], [code], [code] * len(values)):
        bound = f.parse_bind(f.bind(portal, statement, formats, values, results)[5:])
        assert bound[:2] == (portal, statement)
        assert bound.values() == (tuple(formats), tuple(values), tuple(results))
        assert bound.parameters() == tuple(values)
        assert [bound.values().format_of(at) for at in range(len(values))] == (
            [code if formats else 0] * len(values)
        )
        assert f.bind_tail(portal, statement, bound.tail) == f.bind(
            portal, statement, formats, values, results
        )


@given(TEXT, st.integers(-(2**31), 2**31 - 1))
def test_execute(portal: str, rows: int) -> None:
    assert f.parse_execute(f.execute(portal, rows)[5:]) == (portal, rows)


@given(TEXT, st.sampled_from(["S", "P"]))
def test_describe_and_close(name: str, kind: f.Named) -> None:
    assert f.parse_describe(f.describe(kind, name)[5:]) == (kind, name)
    assert f.parse_close(f.close(kind, name)[5:]) == (kind, name)


@given(RAW)
def test_query_and_copy_fail(raw: bytes) -> None:
    assert f.parse_query(f.query(raw)[5:]) == raw
    assert f.parse_copy_fail(f.copy_fail("why")[5:]) == "why"


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=5), st.integers(0, 0xFFFF))
def test_startup(params: dict[str, str], minor: int) -> None:
    packet = f.startup(3 << 16 | minor, params)
    assert f.parse_startup_packet(packet[4:]) == f.Startup(3 << 16 | minor, params)
    assert len(packet) == int.from_bytes(packet[:4], "big")


@given(TEXT, st.binary(max_size=30))
def test_sasl_initial_response(mechanism: str, data: bytes) -> None:
    assert f.parse_sasl_initial_response(f.sasl_initial_response(mechanism, data)[5:]) == (mechanism, data)


def test_names_that_are_not_utf8_stay_different() -> None:
    names = [f.parse_parse(raw + b"\0x\0\0\0").name for raw in (b"\xe9", b"\xe8")]
    assert names[0] != names[1]
    assert f.parse(names[0], "x")[5:6] == b"\xe9"


def test_an_absent_first_sasl_message() -> None:
    assert f.parse_sasl_initial_response(b"M\0" + pack("!i", -1)) == ("M", b"")


@pytest.mark.parametrize(
    "build", [f.query, lambda text: f.parse("", text), lambda text: f.describe("S", text)]
)
def test_a_nul_never_gets_into_a_message(build: Callable[[str], bytes]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        build("SELECT 1\0; DROP TABLE t")


def test_counts_go_to_65535() -> None:
    bound = f.parse_bind(f.bind("", "", values=[b""] * 65535)[5:])
    assert len(bound.parameters()) == 65535


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (f.parse_query, b"SELECT 1"),
        (f.parse_query, b"SELECT 1\0; DROP TABLE t\0"),
        (f.parse_query, b""),
        (f.parse_parse, b"s\0SELECT 1\0\0\1"),
        (f.parse_parse, b"s\0SELECT 1\0\0\0x"),
        (f.parse_parse, b"s\0SELECT 1"),
        (f.parse_bind, b"p\0s\0"),
        (f.parse_bind, b"p"),
        (f.parse_describe, b"Xs\0"),
        (f.parse_describe, b"S"),
        (f.parse_describe, b""),
        (f.parse_close, b"Ps\0x"),
        (f.parse_execute, b"p\0\0\0\0"),
        (f.parse_execute, b"p\0\0\0\0\0\0"),
        (f.parse_copy_fail, b"why"),
        (f.parse_nothing, b"x"),
        (f.parse_sasl_initial_response, b"M\0\0\0\0\5abc"),
        (f.parse_sasl_initial_response, b"M\0\xff\xff\xff\xfe"),
    ],
)
def test_what_does_not_fit_is_the_clients_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(ClientFault) as caught:
        parse(body)
    assert caught.value.refusal.sqlstate == "08P01"


@pytest.mark.parametrize(
    "tail",
    [
        bytes(6) + b"x",
        b"\0\0\0\1\0\0\0\5abc\0\0",  # a value beyond the end
        b"\0\0\0\1\xff\xff\xff\xfe\0\0",  # a length of -2
        b"\0\2\0\0\0\0\0\1\0\0\0\1a\0\0",  # two formats for one value
        b"\xff\xff\0\0\0\0",
    ],
)
def test_a_bind_is_read_strictly_when_it_is_read(tail: bytes) -> None:
    bound = f.parse_bind(b"\0\0" + tail)
    with pytest.raises(ClientFault):
        bound.parameters()


PARSERS = [
    f.parse_query,
    f.parse_parse,
    lambda body: f.parse_bind(body).values(),
    f.parse_describe,
    f.parse_close,
    f.parse_execute,
    f.parse_copy_fail,
    f.parse_sasl_initial_response,
    f.parse_startup_packet,
]


@pytest.mark.parametrize("parse", PARSERS)
@given(body=st.binary(max_size=60) | st.binary(max_size=20).map(lambda raw: b"\0\3\0\0" + raw + b"\0\0"))
def test_any_bytes_are_read_or_are_the_clients_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    with contextlib.suppress(ClientFault):
        parse(body)
