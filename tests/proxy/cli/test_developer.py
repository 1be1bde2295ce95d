"""A developer logs in once and then sees and ends their own sessions."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest
from devinprod_proxy.cli import main
from devinprod_proxy.cli.developer import duration


def login(control: str, monkeypatch: pytest.MonkeyPatch, password: str, *more: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    where = ["--proxy", "127.0.0.1:6543", "--control", control, "--user", "alice", "--password-stdin"]
    return main(["login", *where, *more])


def test_login_stores_what_the_other_commands_need(
    control: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert login(control, monkeypatch, "pass:word", "--target", "shop") == 0
    file = tmp_path / "xdg/devinprod/credentials.toml"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert tomllib.loads(file.read_text()) == {
        "proxy": "127.0.0.1:6543",
        "control": control,
        "user": "alice",
        "password": "pass:word",
        "target": "shop",
    }
    said = capsys.readouterr()
    assert "pass:word" not in said.out + said.err
    assert main(["session", "list"]) == 0
    assert "bug      shop    dirty" in capsys.readouterr().out
    # Another proxy named by a variable does not get this one's password.
    monkeypatch.setenv("DEVINPROD_CONTROL", "http://127.0.0.1:1")
    assert main(["session", "list"]) == 1
    assert "not known" in capsys.readouterr().err


def test_a_wrong_password_is_not_stored(
    control: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert login(control, monkeypatch, "wrong") == 1
    assert "password authentication failed" in capsys.readouterr().err
    assert not (tmp_path / "xdg").exists()
    assert login("http://127.0.0.1:1", monkeypatch, "pass:word") == 1
    assert "does not answer: Connection refused" in capsys.readouterr().err
    assert login("ftp://127.0.0.1:1", monkeypatch, "pass:word") == 2


def test_what_is_not_said_is_not_asked_for_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["login"]) == 2
    assert "--proxy" in capsys.readouterr().err
    assert main(["login", "--proxy", "::", "--user", "a", "--password-stdin"]) == 1


@pytest.mark.usefixtures("as_alice")
def test_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "show", "bug"]) == 0
    said = capsys.readouterr().out
    assert "alice/bug as developer" in said
    assert "ticket \\x1b[31m4711" in said, "nothing steers the terminal"
    assert "people:     3 of 500 per day" in said
    assert "public.orders         1        4        0" in said
    assert main(["session", "changes", "bug"]) == 0
    said = capsys.readouterr().out
    assert "Approximate" in said
    assert "UPDATE orders (undone)" in said
    assert main(["session", "show", "bug", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statements"] == 41
    assert main(["session", "reset", "bug"]) == 0
    assert "reset in 12 ms. Gone: 5 statements, 9 rows." in capsys.readouterr().out
    assert main(["session", "end", "bug"]) == 0
    assert "41 statements, 5 changed rows. Nothing was committed." in capsys.readouterr().out
    assert main(["session", "end", "bug"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", 'devinprod: there is no session "bug"\n  Yours: bug.\n')
    assert main(["session", "list"]) == 0
    assert "you have no session" in capsys.readouterr().err


@pytest.mark.usefixtures("as_alice")
def test_a_token_that_has_ended_is_renewed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVINPROD_TOKEN", "old.1.x")
    assert main(["session", "list"]) == 0
    monkeypatch.delenv("DEVINPROD_PASSWORD")
    assert main(["session", "list"]) == 1
    assert "expired" in capsys.readouterr().err


def test_a_broken_credential_is_named_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "xdg/devinprod/credentials.toml"
    file.parent.mkdir(parents=True)
    file.write_text("password = hunter2\n")
    assert main(["session", "list"]) == 1
    said = capsys.readouterr().err
    assert str(file) in said
    assert "hunter2" not in said


def test_durations() -> None:
    assert [duration(seconds) for seconds in (None, 5, 65, 3700)] == ["", "5s", "1min 5s", "1h 1min"]
