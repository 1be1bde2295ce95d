"""Where the proxy and the login are found, and that none of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from devinprod_jupyter.errors import DevInProdError, WrongUse
from devinprod_jupyter.settings import DevInProd, find_place

FULL = {
    "DEVINPROD_PROXY": "db.example:6000",
    "DEVINPROD_CONTROL": "http://db.example:6001/",
    "DEVINPROD_USER": "alice",
    "DEVINPROD_PASSWORD": "secret",
    "DEVINPROD_TOKEN": "token",
    "DEVINPROD_TARGET": "shop",
}


@pytest.fixture
def store(tmp_path: Path) -> dict[str, str]:
    """An environment whose home has a credentials file."""
    folder = tmp_path / "devinprod"
    folder.mkdir()
    (folder / "credentials.toml").write_text(
        'proxy = "stored.example:7000"\nuser = "bob"\npassword = "stored secret"\n'
    )
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_the_environment_is_enough(tmp_path: Path) -> None:
    place = find_place(DevInProd(), environ={**FULL, "XDG_CONFIG_HOME": str(tmp_path)})
    assert (place.host, place.port, place.control) == ("db.example", 6000, "http://db.example:6001")
    assert (place.user, place.password, place.token, place.target) == ("alice", "secret", "token", "shop")


def test_the_file_is_enough_and_control_is_the_next_port(store: dict[str, str]) -> None:
    place = find_place(DevInProd(), environ=store)
    assert (place.user, place.password, place.target) == ("bob", "stored secret", "")
    assert place.control == "http://stored.example:7001"


def test_the_order_of_the_four_sources(store: dict[str, str]) -> None:
    environ = {**store, **FULL}
    settings = DevInProd()
    assert find_place(settings, environ=environ).user == "alice"
    settings.user, settings.target, settings.proxy = "carol", "ledger", "config.example:1"
    place = find_place(settings, environ=environ)
    assert (place.user, place.target, place.host) == ("carol", "ledger", "config.example")
    place = find_place(settings, proxy="said.example", target="other", environ=environ)
    assert (place.host, place.port, place.target) == ("said.example", 6543, "other")


def test_a_proxy_that_is_said_is_not_paired_with_another_ones_control(store: dict[str, str]) -> None:
    environ = {**store, **FULL}
    assert find_place(DevInProd(), proxy="[::1]:6543", environ=environ).control == "http://[::1]:6544"
    said = find_place(DevInProd(), proxy="h:1", control="https://h:9", environ=environ)
    assert said.control == "https://h:9"


def test_what_is_missing_is_said_with_the_way_to_give_it(tmp_path: Path) -> None:
    nothing = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(WrongUse, match="Where the proxy is") as caught:
        find_place(DevInProd(), environ=nothing)
    assert "devinprod login" in str(caught.value)
    with pytest.raises(WrongUse, match="Whom to log in as"):
        find_place(DevInProd(), environ={**nothing, "DEVINPROD_PROXY": "h:1"})
    for wrong in ("h:port", ":1", "h:99999"):
        with pytest.raises(WrongUse, match="HOST:PORT"):
            find_place(DevInProd(), proxy=wrong, environ=nothing)


def test_a_broken_file_is_an_error_without_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "devinprod"
    folder.mkdir()
    (folder / "credentials.toml").write_text('password = "half')
    with pytest.raises(DevInProdError, match="not valid TOML") as caught:
        find_place(DevInProd(), environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert "half" not in str(caught.value)


def test_neither_place_nor_traitlets_show_a_secret() -> None:
    place = find_place(DevInProd(), environ={**FULL, "XDG_CONFIG_HOME": "/nowhere"})
    for secret in ("secret", "token", "db.example", "6000"):
        assert secret not in repr(place)
    assert not {"password", "token"} & set(DevInProd.class_trait_names())
