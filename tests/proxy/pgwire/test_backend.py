"""What a server says comes out as it went in, and nothing may be left over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from devinprod_proxy.errors import Refusal, UpstreamFault
from devinprod_proxy.pgwire import backend as b
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
INT16, INT32, OID = (
    st.integers(-(2**15), 2**15 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**32 - 1),
)
COLUMNS = st.lists(st.builds(b.Column, TEXT, OID, INT16, OID, INT16, INT32, INT16), max_size=5)


@given(COLUMNS)
def test_row_description(columns: list[b.Column]) -> None:
    assert b.parse_row_description(b.row_description(columns)[5:]) == columns


@given(st.lists(OID, max_size=5))
def test_parameter_description(oids: list[int]) -> None:
    assert b.parse_parameter_description(b.parameter_description(oids)[5:]) == oids


@given(st.dictionaries(st.sampled_from("SVCMDHPpqWstcdnFLR"), TEXT))
def test_errors_and_notices(fields: dict[str, str]) -> None:
    assert b.parse_error_fields(b.error(fields)[5:]) == fields
    assert b.parse_error_fields(b.notice(fields)[5:]) == fields
    assert b.error(fields)[:1] + b.notice(fields)[:1] == b"EN"


@given(TEXT, TEXT, INT32)
def test_small_ones(one: str, two: str, number: int) -> None:
    assert b.parse_command_complete(b.command_complete(one)[5:]) == one
    assert b.parse_parameter_status(b.parameter_status(one, two)[5:]) == (one, two)
    assert b.parse_notification(b.notification(number, one, two)[5:]) == (number, one, two)
    assert b.parse_backend_key(b.backend_key_data(number, b"k" * 32)[5:]) == (number, b"k" * 32)


@given(st.lists(st.sampled_from([0, 1]), max_size=4))
def test_copy_responses(formats: list[int]) -> None:
    assert b.parse_copy_response(b.copy_in_response(0, formats)[5:]) == (0, formats)
    assert b.parse_copy_response(b.copy_out_response(1, formats)[5:]) == (1, formats)


@given(st.lists(TEXT, max_size=3), st.integers(3 << 16, (3 << 16) + 9))
def test_negotiation(options: list[str], version: int) -> None:
    assert b.parse_negotiate_protocol_version(b.negotiate_protocol_version(version, options)[5:]) == (
        version,
        options,
    )


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b.authentication_ok(), b"R\0\0\0\x08\0\0\0\0"),
        (b.parse_complete(), b"1\0\0\0\4"),
        (b.bind_complete(), b"2\0\0\0\4"),
        (b.close_complete(), b"3\0\0\0\4"),
        (b.no_data(), b"n\0\0\0\4"),
        (b.empty_query(), b"I\0\0\0\4"),
        (b.portal_suspended(), b"s\0\0\0\4"),
        (b.ready(b"T"), b"Z\0\0\0\5T"),
        (b.authentication_sasl(["A", "B"]), b"R\0\0\0\x0d\0\0\0\x0aA\0B\0\0"),
        (b.authentication_sasl_continue(b"x"), b"R\0\0\0\x09\0\0\0\x0bx"),
        (b.authentication_sasl_final(b"x"), b"R\0\0\0\x09\0\0\0\x0cx"),
        (b.data_row([b"ab", None]), b"D\0\0\0\x10\0\2\0\0\0\2ab\xff\xff\xff\xff"),
    ],
)
def test_wire_forms(message: bytes, wire: bytes) -> None:
    assert message == wire


def test_an_error_can_always_be_told() -> None:
    fields = {"S": "ERROR", "M": "half \0 of \udce9"}
    assert b.parse_error_fields(b.error(fields)[5:]) == {"S": "ERROR", "M": "half   of ?"}


def test_a_refusal_as_fields() -> None:
    refusal = Refusal("42501", "no", hint="ask", detail="why", position=8)
    assert b.refusal_fields(refusal, "FATAL") == {
        "S": "FATAL",
        "V": "FATAL",
        "C": "42501",
        "M": "no",
        "D": "why",
        "H": "ask",
        "P": "8",
    }


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (b.parse_row_description, b"\0\1id\0"),
        (b.parse_row_description, b"\0\0x"),
        (b.parse_command_complete, b"SELECT 1"),
        (b.parse_command_complete, b"SELECT 1\0x"),
        (b.parse_parameter_status, b"a\0b"),
        (b.parse_parameter_description, b"\0\1\0\0\0"),
        (b.parse_error_fields, b"SERROR\0"),
        (b.parse_error_fields, b"SERROR\0\0x"),
        (b.parse_error_fields, b"\x80x\0\0"),
        (b.parse_error_fields, b""),
        (b.parse_backend_key, b"\0\0\0\1abc"),
        (b.parse_backend_key, b"\0\0\0\1" + b"k" * 257),
        (b.parse_ready, b"X"),
        (b.parse_ready, b""),
        (b.parse_copy_response, b"\0\0\1"),
        (b.parse_notification, b"\0\0\0\1c\0"),
        (b.parse_negotiate_protocol_version, b"\0\3\0\0\xff\xff\xff\xff"),
    ],
)
def test_what_does_not_fit_is_the_servers_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(UpstreamFault) as caught:
        parse(body)
    assert caught.value.refusal.sqlstate == "08P01"


@pytest.mark.parametrize(
    "parse",
    [
        b.parse_row_description,
        b.parse_command_complete,
        b.parse_parameter_status,
        b.parse_parameter_description,
        b.parse_error_fields,
        b.parse_backend_key,
        b.parse_ready,
        b.parse_copy_response,
        b.parse_notification,
        b.parse_negotiate_protocol_version,
    ],
)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_read_or_are_the_servers_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    with contextlib.suppress(UpstreamFault):
        parse(body)
