"""A configuration is read whole, or refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from devinprod_proxy.config import KEYS, Limits, Listen, load_config
from devinprod_proxy.errors import ConfigInvalid

GOOD = """\
[proxy]
listen = ["127.0.0.1:6543", "unix:sock/.s.PGSQL.6543"]
control = "127.0.0.1:6544"
users = "users.toml"
audit = "audit/"
audit_sync = "each"

[target.shop]
dsn = "host=127.0.0.1 port=5433 dbname=shop user=devinprod"
policy = "policy.toml"
kind = "primary"
mask_key = { file = "mask.key" }

[limits]
max_sessions = 7
idle = "30min"
max_age = "8h"
lock_timeout = "1.5s"
floor_patience = "250ms"
bytes_per_minute = "2GiB"
rows_per_minute = 1_000
lookups_per_hour = 0

[limits.roles.support]
subjects_per_day = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text("version = 1\n")
    (tmp_path / "mask.key").write_text("ab" * 32 + "\n")
    (tmp_path / "mask.key").chmod(0o600)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    file = folder / "devinprod.toml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_everything_is_read(folder: Path) -> None:
    config = load_config(write(folder, GOOD), environ={})
    assert config.proxy.listen == (Listen("127.0.0.1", 6543), Listen(path=folder / "sock/.s.PGSQL.6543"))
    assert (config.proxy.users, config.proxy.audit) == (folder / "users.toml", folder / "audit")
    assert config.proxy.audit_sync == "each"
    shop = config.targets["shop"]
    assert (shop.kind, shop.policy) == ("primary", folder / "policy.toml")
    assert shop.mask_key.read() == "ab" * 32
    assert config.limits == Limits(
        max_sessions=7, lock_timeout=1.5, bytes_per_minute=2 << 30, rows_per_minute=1000, lookups_per_hour=0
    )
    assert config.limits_for("support").subjects_per_day == 5
    assert config.limits_for("support").max_sessions == 7
    assert config.limits_for("developer") == config.limits
    assert config.warnings == ()


def test_defaults_are_those_of_the_documentation(folder: Path) -> None:
    text = (
        '[target.shop]\ndsn = "user=devinprod"\npolicy = "policy.toml"\n'
        'mask_key = { env = "DEVINPROD_MASK_KEY" }\n'
    )
    config = load_config(write(folder, text), environ={"DEVINPROD_MASK_KEY": "CD" * 32})
    assert (config.proxy.listen, config.proxy.control) == (
        (Listen("127.0.0.1", 6543),),
        Listen("127.0.0.1", 6544),
    )
    assert (config.targets["shop"].kind, config.proxy.audit_sync) == ("auto", "group")
    assert config.limits.bytes_per_minute == 1 << 30


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "says"),
    [
        ("audit_sync =", "audit_snyc =", "proxy.audit_snyc", 6, "not a key"),
        ('"each"', '"sometimes"', "proxy.audit_sync", 6, "group, each"),
        ('"each"', "3", "proxy.audit_sync", 6, "the number 3"),
        ('kind = "primary"', 'kind = "master"', "target.shop.kind", 11, "subscriber"),
        ('"policy.toml"', '"gone.toml"', "target.shop.policy", 10, "cannot read"),
        ('policy = "policy.toml"\n', "", "target.shop", 8, '"policy" is missing'),
        ("port=5433", "port=none", "target.shop.dsn", 9, "port"),
        ("host=127.0.0.1", "hots=127.0.0.1", "target.shop.dsn", 9, '"hots"'),
        ("host=127.0.0.1", "service=nowhere", "target.shop.dsn", 9, '"nowhere"'),
        ('file = "mask.key"', 'file = "policy.toml"', "target.shop.mask_key", 12, "64 hexadecimal"),
        ('file = "mask.key"', 'env = "NOT_SET"', "target.shop.mask_key", 12, "NOT_SET is not set"),
        ('{ file = "mask.key" }', '"' + "ab" * 32 + '"', "target.shop.mask_key", 12, "must be a table"),
        ('{ file = "mask.key" }', "{ }", "target.shop.mask_key", 12, "env"),
        ("max_sessions = 7", 'max_sessions = "7"', "limits.max_sessions", 15, "whole number"),
        ("max_sessions = 7", "max_sessions = 0", "limits.max_sessions", 15, "more than nothing"),
        ("max_sessions = 7", "max_sessions = true", "limits.max_sessions", 15, "true"),
        ('"30min"', "30", "limits.idle", 16, "a duration"),
        ('"30min"', '"30 minutes"', "limits.idle", 16, "units"),
        ('"30min"', '"-1min"', "limits.idle", 16, "a duration"),
        ('"2GiB"', '"2GB"', "limits.bytes_per_minute", 20, "a size"),
        ("subjects_per_day", "people_per_day", "limits.roles.support.people_per_day", 25, "not a key"),
        ("[limits.roles.support]", "[limits.role.support]", "limits.role", 24, "roles"),
        ('"127.0.0.1:6543", ', '"127.0.0.1", ', "proxy.listen", 2, "not "),
        ('"127.0.0.1:6543", ', '"127.0.0.1:65536", ', "proxy.listen", 2, "not "),
        ('"127.0.0.1:6543", ', '"0.0.0.0:6543", ', "proxy.listen", 2, "not loopback"),
        ('"127.0.0.1:6544"', '"db.internal:6544"', "proxy.control", 3, "not loopback"),
        ("[proxy]", "[proxi]", "proxi", 1, '"proxy"'),
        ('users = "users.toml"', "users = ", None, 4, "TOML"),
    ],
)
def test_one_error_with_file_line_and_key(
    folder: Path, old: str, new: str, key: str | None, line: int, says: str
) -> None:
    assert old in GOOD
    file = write(folder, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigInvalid) as caught:
        load_config(file, environ={})
    error = caught.value
    assert (error.file, error.line, error.key) == (str(file), line, key)
    text = f"{error} {error.refusal.hint}"
    assert says in text
    assert f"{file}:{line}:" in text
    assert "ab" * 32 not in text


def test_no_target_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match="at least one database"):
        load_config(write(folder, "[proxy]\n"))


def test_an_unreadable_file_is_named(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"gone\.toml: cannot be read: No such file"):
        load_config(folder / "gone.toml")
    (folder / "devinprod.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="UTF-8"):
        load_config(folder / "devinprod.toml")


def test_a_listener_beyond_loopback_needs_tls(folder: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (folder / name).touch()
    text = GOOD.replace('"127.0.0.1:6543", ', '"0.0.0.0:6543", ')
    text = text.replace("[target.shop]", 'tls = { cert = "cert.pem", key = "key.pem" }\n[target.shop]')
    config = load_config(write(folder, text))
    assert config.proxy.tls_cert == folder / "cert.pem"
    (folder / "key.pem").unlink()
    with pytest.raises(ConfigInvalid, match=r"proxy\.tls\.key: cannot read"):
        load_config(write(folder, text))


def test_secrets_that_others_can_read_are_warned_of(folder: Path) -> None:
    file = write(folder, GOOD.replace("user=devinprod", "user=devinprod password=hunter2"))
    assert load_config(file).warnings == ()
    file.chmod(0o644)
    (folder / "mask.key").chmod(0o644)
    warnings = load_config(file).warnings
    assert len(warnings) == 2
    assert "chmod 0600" in warnings[0]
    assert "hunter2" not in repr(load_config(file))


def test_files_that_a_command_does_not_need_are_not_asked_for(folder: Path) -> None:
    (folder / "policy.toml").unlink()
    (folder / "mask.key").unlink()
    assert load_config(write(folder, GOOD), check_files=False).targets["shop"].name == "shop"


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        (Listen("127.0.0.1", 1), True),
        (Listen("::1", 1), True),
        (Listen("127.8.8.8", 1), True),
        (Listen("localhost", 1), True),
        (Listen(path=Path("/run/x")), True),
        (Listen("0.0.0.0", 1), False),
        (Listen("::", 1), False),
        (Listen("localhost.example.com", 1), False),
    ],
)
def test_loopback(listen: Listen, loopback: bool) -> None:
    assert listen.loopback is loopback


def test_every_key_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")
    documented = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(documented) == sorted(KEYS)


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("limits.") and "roles" not in key])
def test_defaults_in_the_documentation_are_the_real_ones(folder: Path, key: str) -> None:
    page = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{key}`")]
    name, said = key.removeprefix("limits."), line.split("|")[2].strip(" `")
    target = '[target.shop]\ndsn = "user=u"\npolicy = "policy.toml"\nmask_key = { file = "mask.key" }\n'
    read = load_config(write(folder, f"{target}[limits]\n{name} = {said}\n"), environ={}).limits
    assert read == Limits()
    value = '"3s"' if isinstance(getattr(Limits(), name), float) else "3"
    other = load_config(write(folder, f"{target}[limits]\n{name} = {value}\n"), environ={}).limits
    assert getattr(other, name) == 3
