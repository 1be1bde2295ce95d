"""Users come from a file of verifiers; tokens come from those."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from devinprod_proxy.errors import ConfigInvalid
from devinprod_proxy.pgwire.scram import ClientScram, ServerScram
from devinprod_proxy.server.users import Users


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users.load(tmp_path / "etc" / "users.toml")


def test_a_user_can_log_in_by_scram(users: Users) -> None:
    assert users.add("alice", "correct horse", "support") is True
    verifier = users.verifier("alice")
    assert verifier is not None
    server, client = ServerScram(verifier), ClientScram("alice", "correct horse")
    mechanism, first = client.first(server.mechanisms)
    client.finish(server.final(client.final(server.first(mechanism, first))))
    assert users.role("alice") == "support"
    assert users.verifier("bob") is None
    with pytest.raises(KeyError):
        users.role("bob")


def test_passwords_are_checked_and_not_stored(users: Users) -> None:
    users.add("alice@example.com", "correct horse")
    assert users.check_password("alice@example.com", "correct horse")
    assert not users.check_password("alice@example.com", "Correct horse")
    assert not users.check_password("alice@example.com", "")
    assert not users.check_password("bob", "correct horse")
    assert "correct" not in users.path.read_text()
    assert users.path.stat().st_mode & 0o777 == 0o600


def test_a_long_password_is_fine(users: Users) -> None:
    users.add("alice", "ü" * 5000)
    assert users.check_password("alice", "ü" * 5000)
    assert not users.check_password("alice", "ü" * 4999)


def test_the_file_is_read_anew_when_it_changes(users: Users) -> None:
    Users.load(users.path).add("alice", "one")
    assert users.names() == ["alice"]
    before = users.verifier("alice")
    assert Users.load(users.path).add("alice", "two") is False
    assert users.verifier("alice") != before
    Users.load(users.path).remove("alice")
    assert users.names() == []
    with pytest.raises(KeyError):
        users.remove("alice")


def test_a_broken_file_changes_nothing_and_is_reported(users: Users) -> None:
    users.add("alice", "one")
    good = users.path.read_text()
    users.path.write_text(good + "\n[users.bob]\nrole = 'x'\n")
    assert users.names() == ["alice"]
    assert "users.bob" in (users.problem or "")
    users.path.write_text(good)
    assert (users.names(), users.problem) == (["alice"], None)


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[user.alice]\n", "user", 1),
        ("users = 1\n", "users", 1),
        ("\n[users.alice]\nrole = 'x'\n", "users.alice", 2),
        ("[users.alice]\nrole = 'x'\nverifier = 'md5abc'\n", "users.alice.verifier", 3),
        ("[users.alice]\nrole = 5\nverifier = 'md5abc'\n", "users.alice.role", 2),
        ("[users.'a/b']\nrole = 'x'\nverifier = 'md5abc'\n", "users.a/b", 1),
        ("[users.alice\n", None, 1),
    ],
)
def test_errors_name_file_line_and_key(tmp_path: Path, text: str, key: str | None, line: int) -> None:
    path = tmp_path / "users.toml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        Users.load(path)
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), line, key)


def test_names_roles_and_passwords_that_cannot_be(users: Users) -> None:
    for name, password, role in [
        *(("a/b", "x", "r"), ("", "x", "r"), ("a b", "x", "r"), ("a" * 64, "x", "r"), ("-a", "x", "r")),
        *(("a", "", "r"), ("a", "\0", "r"), ("a", "x", ""), ("a", "x", "a b")),
    ]:
        with pytest.raises(ValueError, match=r"cannot be|password"):
            users.add(name, password, role)
    assert users.names() == []


def test_tokens(users: Users) -> None:
    users.add("alice", "one")
    users.add("bob", "one")
    token, until = users.issue_token("alice")
    assert until > 0
    assert users.check_token(token) == "alice"
    assert Users.load(users.path).check_token(token) == "alice", "a restart does not end it"
    assert users.check_token(users.issue_token("alice", -1)[0]) is None
    name, expiry, signature = token.split(".")
    other = users.issue_token("bob")[0].split(".")
    for forged in [
        *("", ".", "..", "a.b", "a.b.c", "ü.1.ü", token + "A", token[:-2]),
        f"{other[0]}.{expiry}.{signature}",
        f"{name}.{int(expiry) + 1}.{signature}",
        f"{name}.{expiry}.{other[2]}",
    ]:
        assert users.check_token(forged) is None
    users.add("alice", "two")
    assert users.check_token(token) is None, "a new password ends it"
    bob = ".".join(other)
    assert users.check_token(bob) == "bob"
    users.remove("bob")
    assert users.check_token(bob) is None


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    threads = [
        threading.Thread(target=lambda number=number: Users.load(path).add(f"user{number}", "x"))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Users.load(path).names()) == 12
