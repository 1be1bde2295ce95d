"""A credential goes to the proxy it was stored for, and to no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from devinprod_proxy.cli.output import CommandFailed, plain
from devinprod_proxy.cli.place import credentials_file, find_place, host_and_port, store
from hypothesis import given
from hypothesis import strategies as st

STORED = {"proxy": "h:1", "control": "http://h:2", "user": "ann", "password": "p", "target": "shop"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    store(STORED, environ)
    return environ


def test_what_was_stored_is_found(environ: dict[str, str]) -> None:
    place = find_place(environ)
    assert (place.host, place.port, place.control, place.user, place.password, place.target) == (
        *("h", 1, "http://h:2", "ann", "p", "shop"),
    )
    assert "'p'" not in repr(place)


def test_variables_win_where_they_speak_of_the_same_proxy(environ: dict[str, str]) -> None:
    place = find_place({**environ, "DEVINPROD_TARGET": "other", "DEVINPROD_PROXY": "h:1"})
    assert (place.target, place.password) == ("other", "p")


@pytest.mark.parametrize(
    "elsewhere",
    [{"PROXY": "evil:1"}, {"CONTROL": "http://evil"}, {"USER": "bob"}],
)
def test_another_proxy_gets_no_stored_password(environ: dict[str, str], elsewhere: dict[str, str]) -> None:
    other = {"USER": "ann", **elsewhere}
    if "USER" in elsewhere:
        other["PROXY"] = "h:1"
    place = find_place({**environ, **{f"DEVINPROD_{key}": value for key, value in other.items()}})
    assert (place.password, place.token) == ("", "")


def test_what_is_not_said_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="not known") as caught:
        find_place({"XDG_CONFIG_HOME": str(tmp_path)})
    assert "devinprod login" in (caught.value.hint or "")


def test_the_control_api_is_one_port_further(tmp_path: Path) -> None:
    named = {"XDG_CONFIG_HOME": str(tmp_path), "DEVINPROD_USER": "ann"}
    assert find_place({**named, "DEVINPROD_PROXY": "[::1]:7000"}).control == "http://[::1]:7001"
    assert find_place({**named, "DEVINPROD_CONTROL": "c:9/"}).control == "http://c:9"


@pytest.mark.parametrize("text", ["", ":1", "h:x", "h:99999"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(CommandFailed, match="HOST:PORT"):
        host_and_port(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_password_comes_back(password: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        environ = {"XDG_CONFIG_HOME": folder}
        path = store({**STORED, "password": password}, environ)
        assert path == credentials_file(environ)
        assert path.stat().st_mode & 0o777 == 0o600
        assert find_place(environ).password == password


@given(st.text())
def test_plain_text_steers_no_terminal(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert all(ord(character) >= 0x20 and not 0x7F <= ord(character) <= 0x9F for character in shown)
