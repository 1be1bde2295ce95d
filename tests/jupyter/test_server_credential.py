"""Which credential the Jupyter server takes, and what it never mixes or shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from devinprod_jupyter.server_credential import NoCredential, credentials_file, find_credential


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty configuration folder of its own."""
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def store(home: dict[str, str], text: str) -> None:
    """What `devinprod login` would have stored."""
    file = credentials_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_environment_is_taken_whole(home: dict[str, str]) -> None:
    store(home, 'control = "http://other:6544"\ntoken = "other"\nuser = "eve"\n')
    found = find_credential(home | {"DEVINPROD_CONTROL": "http://proxy:1/", "DEVINPROD_TOKEN": "t"})
    assert (found.control, found.token, found.user) == ("http://proxy:1", "t", None)


def test_a_stored_token_is_not_sent_to_another_proxy(home: dict[str, str]) -> None:
    store(home, 'control = "http://other:6544"\ntoken = "other"\n')
    with pytest.raises(NoCredential, match="no token for it"):
        find_credential(home | {"DEVINPROD_CONTROL": "http://proxy:1"})
    assert find_credential(home | {"DEVINPROD_CONTROL": "other:6544"}).token == "other"


@pytest.mark.parametrize(
    ("proxy", "control"),
    [
        ("db.example:7000", "http://db.example:7001"),
        ("db.example", "http://db.example:6544"),
        ("[::1]:1", "http://[::1]:2"),
    ],
)
def test_the_control_api_is_beside_the_proxy(home: dict[str, str], proxy: str, control: str) -> None:
    found = find_credential(home | {"DEVINPROD_PROXY": proxy, "DEVINPROD_TOKEN": "t"})
    assert found.control == control


def test_a_user_and_a_password_are_enough(home: dict[str, str]) -> None:
    store(home, 'control = "http://proxy:1"\nuser = "demo"\npassword = "secret"\n')
    assert find_credential(home).complete
    store(home, 'control = "http://proxy:1"\nuser = "demo"\n')
    with pytest.raises(NoCredential, match="does not know a proxy"):
        find_credential(home)


def test_no_secret_is_printed(home: dict[str, str]) -> None:
    store(home, 'control = "http://proxy:1"\nuser = "demo"\npassword = "pw-9"\ntoken = "tk-9"\n')
    shown = repr(find_credential(home))
    assert "pw-9" not in shown
    assert "tk-9" not in shown
    store(home, 'token = "tk-9\n')
    with pytest.raises(NoCredential) as broken:
        find_credential(home)
    assert "tk-9" not in str(broken.value) + broken.value.hint
    assert broken.value.__cause__ is None
