"""The chain finds every change, and explains the first."""

from __future__ import annotations

import json

import pytest
from devinprod_proxy.session.record import Link, chain, head_text, parse_head, verify
from hypothesis import given
from hypothesis import strategies as st

NAME = "00000001.jsonl"


def record(count: int) -> tuple[list[bytes], Link]:
    lines, last = [], Link()
    for number in range(count):
        line, last = chain(last, {"kind": "statement", "asked": f"SELECT {number} -- ü"})
        lines.append(line)
    return lines, last


def fault(lines: list[bytes], last: Link) -> str:
    return str(verify([(NAME, b"".join(lines))], head_text(last)).fault)


def test_a_record_is_json_with_its_place_in_the_chain() -> None:
    lines, last = record(3)
    parsed = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in parsed] == [1, 2, 3]
    assert parsed[1]["prev"] == parsed[0]["hash"]
    assert (last.count, last.hash) == (3, parsed[2]["hash"])
    report = verify([(NAME, b"".join(lines))], head_text(last))
    assert (report.last, report.fault, report.recoveries) == (last, None, 0)


def test_the_chain_goes_on_over_segments() -> None:
    lines, last = record(4)
    parts = [(NAME, b"".join(lines[:2])), ("00000002.jsonl", b""), ("00000003.jsonl", b"".join(lines[2:]))]
    assert verify(parts, head_text(last)).fault is None
    assert "00000002.jsonl: is missing" in str(verify([parts[0], parts[2]], head_text(last)).fault)
    assert "00000001.jsonl: is missing" in str(verify(parts[1:], head_text(last)).fault)


def test_an_empty_record_needs_its_head() -> None:
    assert verify([], head_text(Link())).fault is None
    assert "is missing" in str(verify([], None).fault)


def test_faults_say_what_happened() -> None:
    lines, last = record(5)
    assert "line 3: this is record 4, after record 2: records between them are missing" in fault(
        lines[:2] + lines[3:], last
    )
    assert "moved or repeated" in fault([*lines[:3], lines[1], *lines[3:]], last)
    assert "line 2: the content does not match its hash" in fault(
        [lines[0], lines[1].replace(b"SELECT 1", b"SELECT 9"), *lines[2:]], last
    )
    assert "not a record" in fault([lines[0], b"hello\n", *lines[1:]], last)
    assert "ends with number 4, but the head knows 5: it was cut off" in fault(lines[:4], last)
    assert "not a record" in fault([*lines, b'{"hush"'], last)
    other, _ = chain(Link(), {"kind": "forged"})
    assert "does not continue" in fault([other, *lines[1:]], last)
    forged, link = chain(Link(4, json.loads(lines[3])["hash"]), {"kind": "forged"})
    assert "the head or the whole record was replaced" in fault([*lines[:4], forged], last)
    assert fault([*lines[:4], forged], link) == "None"


def test_a_head_behind_the_record_fits_and_one_of_another_does_not() -> None:
    lines, _ = record(5)
    for count in range(6):
        assert fault(lines, record(count)[1]) == "None"
    assert "head" in fault(lines, Link(3, "ab" * 32))
    assert "head" in fault(lines, Link(0, "ab" * 32))
    assert parse_head(head_text(Link(7, "ab" * 32))) == Link(7, "ab" * 32)
    assert parse_head(head_text(Link()) + b" ") is None


def test_the_beginning_of_one_more_record_is_unfinished_not_wrong() -> None:
    lines, last = record(5)
    before = record(4)[1]
    for length in range(1, len(lines[4])):
        report = verify([(NAME, b"".join(lines[:4]) + lines[4][:length])], head_text(before))
        assert (report.fault, report.unfinished, report.last) == (None, True, before)
        again = verify([(NAME, b"".join(lines) + lines[4][:length])], head_text(last))
        assert (again.fault is None) is (length <= 81), "record 5 does not begin what follows record 5"
    parts = [(NAME, b"".join(lines)[:-5]), ("00000002.jsonl", b"")]
    assert "unfinished" in str(verify(parts, head_text(before)).fault)


def test_a_record_cannot_speak_for_the_chain() -> None:
    for name in ("seq", "prev", "hash"):
        with pytest.raises(ValueError, match="cannot set"):
            chain(Link(), {name: 1})
    with pytest.raises(ValueError, match="JSON"):
        chain(Link(), {"kind": float("nan")})


@given(st.dictionaries(st.sampled_from(["kind", "asked", "run", "reason"]), st.text(), max_size=4))
def test_any_text_is_one_line_and_comes_back(fields: dict[str, str]) -> None:
    line, last = chain(Link(), fields)
    assert line.count(b"\n") == 1
    assert verify([(NAME, line)], head_text(last)).fault is None
    assert {key: json.loads(line)[key] for key in fields} == fields


def test_broken_utf8_of_a_client_is_kept() -> None:
    text = b"SELECT '\xff'".decode("utf-8", "surrogateescape")
    line, _ = chain(Link(), {"asked": text})
    assert json.loads(line)["asked"] == text


_LINES, _LAST = record(6)
_WHOLE = b"".join(_LINES)


@given(st.integers(0, len(_WHOLE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_found(at: int, flip: int) -> None:
    changed = bytearray(_WHOLE)
    changed[at] ^= flip
    assert verify([(NAME, bytes(changed))], head_text(_LAST)).fault is not None


@given(st.integers(0, len(_WHOLE) - 1))
def test_any_cut_is_found(length: int) -> None:
    assert verify([(NAME, _WHOLE[:length])], head_text(_LAST)).fault is not None


@given(st.permutations(_LINES), st.integers(0, 6))
def test_any_missing_or_moved_line_is_found(lines: list[bytes], keep: int) -> None:
    content = b"".join(lines[:keep])
    assert (verify([(NAME, content)], head_text(_LAST)).fault is None) is (content == _WHOLE)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_a_fault_never_an_exception(content: bytes) -> None:
    report = verify([(NAME, content)], head_text(Link()))
    assert (report.fault is None) is (b'{"hash":"'.startswith(content))
    assert verify([(NAME, b"")], content).fault is not None


def test_a_record_is_one_line_for_every_reader() -> None:
    line, _ = chain(Link(), {"kind": "statement", "asked": "SELECT 'a\u2028b\u2029c\x85d'"})
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line)["asked"] == "SELECT 'a\u2028b\u2029c\x85d'"
