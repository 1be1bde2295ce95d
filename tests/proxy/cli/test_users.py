"""Users are made, listed and removed; passwords are shown once or not at all."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from devinprod_proxy.cli import main
from devinprod_proxy.server.users import Users


def test_a_user_from_first_to_last(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ["--config", str(config)]
    assert main(["user", "add", "alice", *named]) == 0
    said = capsys.readouterr()
    password = said.out.removesuffix("\n")
    assert len(password) >= 20
    users = Users.load(config.parent / "users.toml")
    assert users.check_password("alice", password)
    assert users.role("alice") == "developer"

    long = "lång " * 20_000
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{long}\r\nsecond line\n"))
    assert main(["user", "add", "bob", "--role", "support", "--password-stdin", *named]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert users.check_password("bob", long)

    assert main(["user", "list", *named]) == 0
    assert capsys.readouterr().out == "USER   ROLE\nalice  developer\nbob    support\n"
    assert main(["user", "remove", "bob", *named]) == 0
    assert main(["user", "remove", "bob", *named]) == 1
    assert "has no user bob" in capsys.readouterr().err
    assert users.names() == ["alice"]


def test_what_cannot_be_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["user", "add", "a/b", "--config", str(config)]) == 2
    assert "cannot be a user name" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["user", "add", "a", "--password-stdin", "--config", str(config)]) == 1
    assert "no password" in capsys.readouterr().err


def test_a_user_can_be_added_before_the_rest_is_there(config: Path) -> None:
    (config.parent / "policy.toml").unlink()
    (config.parent / "mask.key").unlink()
    assert main(["user", "add", "alice", "--config", str(config)]) == 0


def test_keys_are_new_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new"]) == 0
    assert main(["key", "new"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert first != second
