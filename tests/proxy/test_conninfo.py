"""A connection string means here what it means to libpq."""

from __future__ import annotations

from pathlib import Path

import pytest
from devinprod_proxy.conninfo import has_password, parse, resolve


@pytest.mark.parametrize(
    ("dsn", "settings"),
    [
        ("", {}),
        ("host=h  port = 5433", {"host": "h", "port": "5433"}),
        (r"user='o\'neill' password='a b\\c'", {"user": "o'neill", "password": "a b\\c"}),
        ("password='' user=u", {"password": "", "user": "u"}),
        ("postgresql://", {}),
        (
            "postgres://u:p%40ss@h:1/d",
            {"user": "u", "password": "p@ss", "host": "h", "port": "1", "dbname": "d"},
        ),
        ("postgresql://demo%2Fdemo@/shop?host=/tmp", {"user": "demo/demo", "dbname": "shop", "host": "/tmp"}),
        ("postgresql://%2Fvar%2Frun/shop", {"host": "/var/run", "dbname": "shop"}),
        ("postgresql://[::1]:5/d", {"host": "::1", "port": "5", "dbname": "d"}),
        ("host=h keepalives=1", {"host": "h"}),
    ],
)
def test_both_forms_are_read(dsn: str, settings: dict[str, str]) -> None:
    assert parse(dsn) == settings


@pytest.mark.parametrize(
    "dsn",
    [
        *("host", "host=h secret", "user='open", "colour=red", "port=0", "port=x", "sslmode=perhaps"),
        *("host=a,b", "postgresql://h:port/", "postgresql://a:1,b:2/"),
    ],
)
def test_nonsense_is_refused_without_repeating_it(dsn: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the text is checked below)
        parse(f"{dsn} password=hunter2" if not dsn.startswith("postgres") else dsn)
    assert "hunter2" not in str(caught.value)


def test_what_the_string_does_not_say_comes_from_the_environment(tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_text("[other]\nhost=no\n[shop]\n# comment\nhost=replica\nport=7\n[third]\nport=8\n")
    passfile = tmp_path / "pgpass"
    passfile.write_text("# h\nreplica:7:shop:else:no\nreplica:*:shop:u:se\\:cret\n*:*:*:*:late\n")
    passfile.chmod(0o600)
    environ = {"PGSERVICEFILE": str(services), "PGUSER": "u", "PGPASSFILE": str(passfile), "HOME": "/nowhere"}
    found = resolve("service=shop dbname=shop", environ)
    assert found == {
        "host": "replica", "port": "7", "dbname": "shop", "user": "u",
        "passfile": str(passfile), "password": "se:cret",
    }  # fmt: skip
    assert resolve("service=shop host=here", environ)["host"] == "here"
    with pytest.raises(ValueError, match='no service "gone"'):
        resolve("service=gone", environ)


def test_a_password_file_for_everybody_is_refused(tmp_path: Path) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:hunter2\n")
    passfile.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 0600"):
        resolve(f"passfile={passfile} user=u", {})


def test_defaults() -> None:
    assert resolve("user=u", {"HOME": "/nowhere"}) == {
        "host": "/var/run/postgresql",
        "port": "5432",
        "user": "u",
        "dbname": "u",
    }


def test_has_password() -> None:
    assert has_password("user=u password=x")
    assert not has_password("user=u passfile=x")
