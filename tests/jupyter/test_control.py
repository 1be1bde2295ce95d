"""The client of the control API, against the demo's."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from devinprod_jupyter.control import Control
from devinprod_jupyter.errors import CommandFailed
from devinprod_jupyter.settings import DevInProd, Place, find_place


@pytest.fixture
def place(demo: Any) -> Place:
    return find_place(DevInProd(), environ=demo.env)


def test_without_or_with_a_stale_token_the_password_renews_it(place: Place) -> None:
    for token in ("", "stale"):
        control = Control(replace(place, token=token))
        assert isinstance(control.sessions(), list)
        control.close()


def test_the_proxys_own_words_are_the_error(place: Place) -> None:
    control = Control(place)
    with pytest.raises(CommandFailed) as caught:
        control.session("no-such-session")
    control.close()
    assert (caught.value.status, caught.value.sqlstate) == (404, "3D000")
    assert "no-such-session" in caught.value.message
    assert caught.value.hint


def test_a_wrong_password_is_said_plainly(place: Place) -> None:
    control = Control(replace(place, token="", password="wrong"))
    with pytest.raises(CommandFailed, match="does not accept the password of demo") as caught:
        control.sessions()
    control.close()
    assert "wrong" not in str(caught.value)


def test_nobody_there_and_somebody_else(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    control = Control(replace(place, control=f"http://127.0.0.1:{port}"))
    with pytest.raises(CommandFailed) as caught:
        control.sessions()
    control.close()
    assert caught.value.message == "The proxy does not answer."
    assert str(port) not in str(caught.value)


def test_a_session_lives_and_ends(place: Place, session_name: str) -> None:
    control = Control(place)
    opened = control.open(session_name, None, "a reason with ümläuts")
    assert (opened["name"], opened["state"], opened["reason"]) == (
        session_name,
        "clean",
        "a reason with ümläuts",
    )
    assert control.open(session_name, None, None)["opened_at"] == opened["opened_at"]
    assert control.about(session_name, "changes")["tables"] == []
    assert control.about(session_name, "limits")["people"]["limit"] > 0
    assert control.reset(session_name)["session"]["name"] == session_name
    assert control.policy("public.customers", "shop")["subject"] == "id"
    assert control.end(session_name)["ended"]
    with pytest.raises(CommandFailed):
        control.session(session_name)
    control.close()
