"""A startup packet says whose session, and which settings."""

from __future__ import annotations

import pytest
from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire.settings import session_identity, split_options, startup_settings
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", []),
        ("   ", []),
        ("-c a=b", ["-c", "a=b"]),
        (r"-c search_path=a\ b\\c --geqo=off", ["-c", r"search_path=a b\c", "--geqo=off"]),
        ("-ca=b\t-c\nc=d", ["-ca=b", "-c", "c=d"]),
        ("a\\", ["a"]),
    ],
)
def test_options_are_split_as_postgres_splits_them(options: str, words: list[str]) -> None:
    assert split_options(options) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=4))
def test_escaped_words_come_out_as_they_went_in(words: list[str]) -> None:
    escaped = " ".join("".join("\\" + letter for letter in word) for word in words)
    assert split_options(escaped) == words


def test_every_way_to_say_a_setting() -> None:
    params = {
        "user": "ann",
        "database": "shop",
        "replication": "false",
        "_pq_.x": "1",
        "options": "-c geqo=off -cwork_mem=1MB --enable-seqscan=off --search_path= -c timezone=Asia/Tokyo",
        "TimeZone": "UTC",
        "application_name": "psql",
    }
    assert startup_settings(params) == {
        "geqo": "off",
        "work_mem": "1MB",
        "enable_seqscan": "off",
        "search_path": "",
        "TimeZone": "UTC",
        "application_name": "psql",
    }


@pytest.mark.parametrize("options", ["-d 2", "geqo=off", "-c", "-c geqo", "--geqo", "-c =off", "-e", "-"])
def test_other_switches_are_refused(options: str) -> None:
    with pytest.raises(ClientFault) as caught:
        startup_settings({"user": "ann", "options": options})
    assert caught.value.refusal.sqlstate == "22023"


@pytest.mark.parametrize(
    ("user", "settings", "identity"),
    [
        ("alice", {}, ("alice", "default")),
        ("alice/checkout-bug", {}, ("alice", "checkout-bug")),
        ("alice", {"devinprod.session": "b1"}, ("alice", "b1")),
        ("alice", {"DevInProd.Session": "b1"}, ("alice", "b1")),
        ("alice/b1", {"devinprod.session": "b1"}, ("alice", "b1")),
        ("alice@example.com/b.1_x", {}, ("alice@example.com", "b.1_x")),
    ],
)
def test_identity(user: str, settings: dict[str, str], identity: tuple[str, str]) -> None:
    assert session_identity(user, settings) == identity


@pytest.mark.parametrize(
    "user",
    [
        "",
        "/",
        "alice/",
        "/b",
        "alice/a/b",
        "alice/../x",
        "al ice",
        "alice/" + "x" * 64,
        "é",
        "alice/b\n",
        "-a",
        "a\n",
    ],
)
def test_names_that_are_none(user: str) -> None:
    with pytest.raises(ClientFault) as caught:
        session_identity(user, {})
    assert caught.value.refusal.sqlstate == "28000"


def test_two_session_names_are_one_too_many() -> None:
    with pytest.raises(ClientFault, match="two different sessions"):
        session_identity("alice/a", {"devinprod.session": "b"})
