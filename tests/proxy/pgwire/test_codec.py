"""Messages are cut alike at any split of the bytes, and whatever is no message is a fault."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest
from devinprod_proxy.errors import ClientFault, DevinprodError, UpstreamFault
from devinprod_proxy.pgwire import messages as m
from devinprod_proxy.pgwire.codec import (
    LOGIN,
    SMALL,
    STARTUP,
    BackendStream,
    Frame,
    FrontendStream,
    Rows,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TRACES = sorted((Path(__file__).parent / "traces").glob("*.trace"))
ROW = m.data_row([b"42", None, b"x" * 30])
HELLO = m.startup(m.PROTOCOL_3_0, {"user": "ann", "database": "shop"})


def recorded(trace: Path, side: str) -> bytes:
    lines = trace.read_text().splitlines()
    return b"".join(bytes.fromhex(line[2:]) for line in lines if line[0] == side)


def joined(items: list[object]) -> list[object]:
    """A run of rows may come in several slices: where they are cut depends on the chunks."""
    result: list[object] = []
    for item in items:
        before = result[-1] if result else None
        if isinstance(item, Rows) and isinstance(before, Rows) and before.kind == item.kind:
            result[-1] = Rows(item.kind, before.data + item.data, before.count + item.count)
        else:
            result.append(item)
    return result


def chunks(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, stop in itertools.pairwise(places):
        yield data[start:stop]


def from_client(parts: Iterator[bytes] | list[bytes], *, logged_in: bool = True) -> list[object]:
    """What a listener sees that says no to encryption and yes to every login."""
    stream = FrontendStream()
    items: list[object] = []
    for part in parts:
        new = stream.feed(part)
        items += new
        for item in new:
            if isinstance(item, m.SslRequest | m.GssRequest):
                stream.answered()
            elif isinstance(item, m.Startup) and logged_in:
                stream.authenticated()
    return joined(items)


def from_server(parts: Iterator[bytes] | list[bytes]) -> list[object]:
    stream = BackendStream()
    items: list[object] = []
    for part in parts:
        items += stream.feed(part)
    assert stream.held == 0
    return joined(items)


# -- recorded conversations -------------------------------------------------------------------


def server_bytes(trace: Path) -> bytes:
    data = recorded(trace, "B")
    # The one-byte answer to SSLRequest is read before there is a stream.
    return data[1:] if data[:1] == b"N" else data


def test_traces_are_there() -> None:
    assert len(TRACES) == 4


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_recorded_server_is_cut_alike_whole_and_byte_by_byte(trace: Path) -> None:
    data = server_bytes(trace)
    whole = from_server([data])
    assert b"".join(item.wire for item in whole) == data  # type: ignore[attr-defined]
    assert from_server([data[at : at + 1] for at in range(len(data))]) == whole


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(min_value=0), max_size=60))
def test_a_recorded_server_is_cut_alike_at_random_splits(trace: Path, cuts: list[int]) -> None:
    data = server_bytes(trace)
    assert from_server(chunks(data, cuts)) == from_server([data])


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(min_value=0), max_size=60))
def test_a_recorded_client_is_cut_alike_at_random_splits(trace: Path, cuts: list[int]) -> None:
    data = after_login(trace)
    assert client_after_login(chunks(data, cuts)) == client_after_login([data])
    assert client_after_login([data[at : at + 1] for at in range(len(data))]) == client_after_login([data])


def after_login(trace: Path) -> bytes:
    """A client's bytes behind its last login message."""
    stream = FrontendStream()
    lines = [bytes.fromhex(line[2:]) for line in trace.read_text().splitlines() if line[0] == "F"]
    for number, chunk in enumerate(lines):
        items = stream.feed(chunk)
        if any(isinstance(item, m.SslRequest) for item in items):
            stream.answered()
        # SCRAM takes two messages of a client's.
        if any(isinstance(item, Frame) and item.body.startswith(b"c=") for item in items):
            return b"".join(lines[number + 1 :])
    raise AssertionError("no login in this trace")


def client_after_login(parts: Iterator[bytes] | list[bytes]) -> list[object]:
    return from_client(iter([HELLO, *parts]))[1:]


# -- rows -------------------------------------------------------------------------------------


def test_a_run_of_rows_is_one_slice_and_no_copy() -> None:
    data = ROW * 1000
    (rows,) = BackendStream().feed(data)
    assert rows == Rows(m.Backend.DATA_ROW, data, 1000)
    assert isinstance(rows, Rows)
    assert rows.data is data


def test_a_run_ends_where_the_kind_changes() -> None:
    data = ROW * 2 + m.copy_data(b"a") * 3 + m.notice({"M": "n"}) + ROW + m.command_complete("SELECT 3")
    items = BackendStream().feed(data)
    assert [(type(item).__name__, getattr(item, "count", 1)) for item in items] == [
        ("Rows", 2),
        ("Rows", 3),
        ("Frame", 1),
        ("Rows", 1),
        ("Frame", 1),
    ]
    assert b"".join(item.wire for item in items) == data


def test_copy_data_of_a_client_is_a_run_too() -> None:
    items = from_client([HELLO, m.copy_data(b"1\n") * 5 + m.copy_done()])
    assert items[1:] == [
        Rows(m.Frontend.COPY_DATA, m.copy_data(b"1\n") * 5, 5),
        Frame(m.Frontend.COPY_DONE, b""),
    ]


def test_a_message_in_many_pieces_is_kept_until_it_is_whole() -> None:
    stream, data = BackendStream(), m.data_row([b"x" * 1_000_000])
    for at in range(0, len(data) - 1, 4096):
        assert stream.feed(data[at : at + 4096][: len(data) - 1 - at]) == []
    assert stream.held == len(data) - 1
    assert stream.feed(data[-1:]) == [Rows(m.Backend.DATA_ROW, data, 1)]
    assert stream.held == 0


def test_a_promised_length_reserves_no_memory() -> None:
    stream = BackendStream()
    assert stream.feed(pack("!cI", b"D", 0x3FFF_FFFF)) == []
    assert stream.held == 5


# -- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00\x00\x00\x04",  # no such letter
        b"Q\x00\x00\x00\x05x",  # a client's letter
        b"Z\x00\x00\x00\x03I",  # shorter than its own length
        b"D\x00\x00\x00\x00",
        b"D\xff\xff\xff\xff",  # longer than PostgreSQL makes any
        b"Z\x7f\xff\xff\xff",  # a gigabyte of status
        b"W\x00\x00\x00\x07\x00\x00\x00",  # CopyBoth: replication
    ],
)
def test_what_no_server_says_is_the_servers_fault(garbage: bytes) -> None:
    stream = BackendStream()
    assert stream.feed(ROW * 2)
    with pytest.raises(UpstreamFault) as caught:
        stream.feed(garbage)
    assert caught.value.refusal.sqlstate == "08P01"
    with pytest.raises(UpstreamFault):  # and it stays so
        stream.feed(ROW)


@pytest.mark.parametrize(
    "garbage",
    [
        b"Z\x00\x00\x00\x05I",  # a server's letter
        b"p\x00\x00\x00\x05x",  # a password, after login
        b"Q\x00\x00\x00\x03",
        b"d\x00\x00\x00\x00",
        b"S\xff\xff\xff\xff",
        pack("!cI", b"S", SMALL + 1),
        pack("!cI", b"Q", 0x4000_0004),
    ],
)
def test_what_no_client_says_is_the_clients_fault(garbage: bytes) -> None:
    with pytest.raises(ClientFault) as caught:
        from_client([HELLO, m.copy_data(b"x") + garbage])
    assert caught.value.refusal.sqlstate == "08P01"


def test_before_login_messages_are_short_and_only_passwords() -> None:
    from_client([HELLO, pack("!cI", b"p", LOGIN)], logged_in=False)
    with pytest.raises(ClientFault, match="invalid length"):
        from_client([HELLO, pack("!cI", b"p", LOGIN + 1)], logged_in=False)
    with pytest.raises(ClientFault, match="invalid message type"):
        from_client([HELLO, m.query("SELECT 1")], logged_in=False)


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",  # a TLS handshake without SSLRequest
        pack("!I", 7) + b"\0\3\0",
        pack("!I", STARTUP + 1),
        pack("!I", 0x8000_0000),
        pack("!II", 8, 3 << 16),  # no terminator
        pack("!II", 12, 3 << 16) + b"user",
        pack("!II", 14, 3 << 16) + b"user\0\0",  # a name, its empty value, and no end
        HELLO[:3] + bytes((HELLO[3] + 1,)) + HELLO[4:] + b"x",  # a byte behind the end
        pack("!II", 9, 80877103) + b"x",
        pack("!III", 12, 80877102, 1),  # a cancel without a key
        pack("!III", 12 + 257, 80877102, 1) + b"k" * 257,
    ],
)
def test_a_first_packet_that_is_none(first: bytes) -> None:
    with pytest.raises(ClientFault) as caught:
        from_client([first])
    assert caught.value.refusal.sqlstate == "08P01"


@pytest.mark.parametrize("version", [2 << 16, 1 << 16, 4 << 16, 0, (1234 << 16) | 5677])
def test_other_protocols_are_refused_by_name(version: int) -> None:
    with pytest.raises(ClientFault, match="unsupported frontend protocol") as caught:
        from_client([pack("!II", 12, version) + bytes(4)])
    assert caught.value.refusal.sqlstate == "0A000"


def test_startup_and_cancel_with_keys_of_any_length() -> None:
    assert from_client([HELLO]) == [m.Startup(m.PROTOCOL_3_0, {"user": "ann", "database": "shop"})]
    for key in (b"\0\1\2\3", b"k" * 256):
        assert from_client([m.cancel_request(77, key)]) == [m.Cancel(77, key)]


def test_bytes_behind_a_cancel_mean_nothing() -> None:
    assert from_client([m.cancel_request(77, b"abcd") + HELLO, HELLO]) == [m.Cancel(77, b"abcd")]


@pytest.mark.parametrize("together", [True, False])
def test_bytes_before_the_answer_to_an_ssl_request_are_an_attack(together: bool) -> None:
    stream = FrontendStream()
    if not together:
        stream.feed(m.ssl_request())
    with pytest.raises(ClientFault, match="unencrypted data"):
        stream.feed(m.ssl_request() + HELLO if together else HELLO)


def test_encryption_is_asked_for_once_of_each_kind() -> None:
    gss = pack("!II", 8, m.GSSENC_REQUEST_CODE)
    assert from_client([gss, m.ssl_request(), HELLO])[:2] == [m.GssRequest(), m.SslRequest()]
    with pytest.raises(ClientFault, match="twice"):
        from_client([m.ssl_request(), m.ssl_request()])


# -- any bytes --------------------------------------------------------------------------------

# Bytes that look like messages reach further than bytes that do not.
LIKELY = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda kind, length, body: pack("!Bi", kind, length) + body,
        st.sampled_from(b"QPBDESHCdcfXFpZTKRNAtn123sIGHVv\x00"),
        st.integers(-2, 40) | st.just(0x7FFF_FFFF),
        st.binary(max_size=40),
    ),
    st.builds(
        lambda code, body: pack("!II", len(body) + 8, code) + body,
        st.sampled_from([m.PROTOCOL_3_0, m.PROTOCOL_3_2, m.SSL_REQUEST_CODE, m.CANCEL_REQUEST_CODE, 2 << 16]),
        st.binary(max_size=40),
    ),
    st.just(ROW),
    st.just(HELLO),
)


def outcome(parse: object, parts: Iterator[bytes] | list[bytes]) -> object:
    """Items, or what is wrong with the bytes; any other exception fails the test."""
    try:
        return parse(parts)  # type: ignore[operator]
    except DevinprodError as fault:
        return fault.refusal


def any_server(parts: Iterator[bytes] | list[bytes]) -> list[object]:
    stream = BackendStream()
    return joined([item for part in parts for item in stream.feed(part)])


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(LIKELY, max_size=6), cuts=st.lists(st.integers(min_value=0), max_size=20))
def test_any_bytes_of_a_server_give_messages_or_its_fault_at_any_split(
    pieces: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(pieces)
    assert outcome(any_server, chunks(data, cuts)) == outcome(any_server, [data])


@settings(max_examples=400, deadline=None)
@given(
    pieces=st.lists(LIKELY, max_size=6),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
    start=st.sampled_from([b"", HELLO, m.ssl_request()]),
)
def test_any_bytes_of_a_client_give_messages_or_its_fault_at_any_split(
    pieces: list[bytes], cuts: list[int], start: bytes
) -> None:
    data = b"".join(pieces)

    def stranger(parts: Iterator[bytes] | list[bytes]) -> list[object]:
        return from_client(iter([start, *parts]), logged_in=start == HELLO)

    result = outcome(stranger, chunks(data, cuts))
    assert outcome(stranger, chunks(data, cuts)) == result
    if start == HELLO:  # before login, when an answer is due depends on the chunks
        assert outcome(stranger, [data]) == result
