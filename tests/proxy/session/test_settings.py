"""Values of settings as the session has to read them."""

from __future__ import annotations

import pytest
from devinprod_proxy.session import settings as s


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5s", 5000.0),
        ("250", 250.0),
        ("1.5min", 90_000.0),
        ("2 h", 7_200_000.0),
        ("500us", 0.5),
        ("x", None),
        ("5 parsecs", None),
    ],
)
def test_times(value: str, expected: float | None) -> None:
    assert s.milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1s", "1000ms"), ("0", "60000ms"), ("2min", "60000ms"), ("-1", "-1"), ("soon", "soon")],
)
def test_a_limit_is_never_lifted(value: str, expected: str) -> None:
    """0 means none, so it is clamped too; what is not a time is left for the server to refuse."""
    assert s.clamp(value, 60.0) == expected


@pytest.mark.parametrize(
    "name", ["UTF8", "utf-8", "Unicode", "'utf8'", "SQL_ASCII", "latin1", "WIN1252", "EUC_JP"]
)
def test_encodings_that_cannot_be_misread(name: str) -> None:
    codec = s.codec_of(name)
    assert codec is not None
    assert "a'b".encode(codec) == b"a'b"


@pytest.mark.parametrize("name", ["SJIS", "BIG5", "GBK", "GB18030", "UHC", "JOHAB", "nonsense"])
def test_encodings_in_which_a_quote_could_hide(name: str) -> None:
    assert s.codec_of(name) is None


def test_the_difference_is_all_that_is_sent() -> None:
    assert s.difference({}, {}) == ({}, [])
    assert s.difference({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ({"b": "3", "c": "4"}, [])
    assert s.difference({"a": "1"}, {}) == ({}, ["a"])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ('"$user", public', ("$user", "public")),
        ("Public", ("public",)),
        ('"A ""b""", c', ('A "b"', "c")),
        ('""', ("",)),
        ("", ()),
    ],
)
def test_search_paths(value: str, path: tuple[str, ...]) -> None:
    assert s.search_path_of(value) == path


@pytest.mark.parametrize(
    ("value", "on"), [("on", True), ("TRUE", True), ("1", True), ("off", False), ("no", False)]
)
def test_booleans(value: str, on: bool) -> None:
    assert s.is_on(value) is on
