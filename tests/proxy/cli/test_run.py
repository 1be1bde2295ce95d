"""Any program gets a session's connections, and its own exit status comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from devinprod_proxy.cli import main

SHOW = (
    "import json, os, stat, sys; path = os.environ['PGPASSFILE']; "
    "mode = stat.S_IMODE(os.stat(path).st_mode); "
    "json.dump([dict(os.environ), open(path).read(), mode], open(sys.argv[1], 'w'))"
)


@pytest.fixture(autouse=True)
def _alice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVINPROD_PROXY", "127.0.0.1:6543")
    monkeypatch.setenv("DEVINPROD_USER", "alice@example.com")
    monkeypatch.setenv("DEVINPROD_PASSWORD", "pa:ss\\word")
    monkeypatch.setenv("DEVINPROD_TARGET", "shop")


def test_the_program_finds_the_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://root:secret@production/shop")
    monkeypatch.setenv("PGPASSWORD", "for production")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    monkeypatch.setenv("DEVINPROD_SSLMODE", "require")
    out = tmp_path / "out"
    assert main(["run", "--session", "bug", "--", sys.executable, "-c", SHOW, str(out)]) == 0
    environ, passfile, mode = json.loads(out.read_text())
    assert {key: environ.get(key) for key in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSSLMODE")} == {
        "PGHOST": "127.0.0.1",
        "PGPORT": "6543",
        "PGUSER": "alice@example.com/bug",
        "PGDATABASE": "shop",
        "PGSSLMODE": "require",
    }
    assert environ["DATABASE_URL"] == "postgresql://alice%40example.com%2Fbug@127.0.0.1:6543/shop"
    assert "PGPASSWORD" not in environ
    assert "PGHOSTADDR" not in environ
    assert (passfile, mode) == ("*:*:*:*:pa\\:ss\\\\word\n", 0o600)
    assert not Path(environ["PGPASSFILE"]).parent.exists()
    assert "DATABASE_URL is replaced" in capsys.readouterr().err


@pytest.mark.parametrize(("program", "status"), [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)])
def test_the_status_is_the_programs_own(program: str, status: int) -> None:
    assert main(["run", "--session", "bug", "--", "sh", "-c", program]) == status


def test_the_programs_own_options_are_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--session", "bug", "--", "echo", "--session", "x", "--help"]) == 0
    assert capfd.readouterr().out == "--session x --help\n"


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--session", "bug", "--"]) == 2
    assert main(["run", "--session", "bug", "--", "/no/such/program"]) == 127
    assert "No such file" in capsys.readouterr().err
    monkeypatch.delenv("DEVINPROD_PASSWORD")
    assert main(["run", "--session", "bug", "--", "true"]) == 1
    assert "devinprod login" in capsys.readouterr().err


@pytest.mark.usefixtures("as_alice")
def test_the_target_needs_no_name(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`devinprod login` does not ask for one: the proxy says where the session is."""
    monkeypatch.delenv("DEVINPROD_TARGET")
    assert main(["run", "--session", "bug", "--", "sh", "-c", "echo $PGDATABASE"]) == 0
    assert capfd.readouterr().out == "shop\n"
    assert main(["run", "--session", "other", "--", "true"]) == 1
    assert 'there is no session "other"' in capfd.readouterr().err


def test_sigterm_reaches_the_program_and_leaves_nothing(tmp_path: Path) -> None:
    program = f"trap 'exit 9' TERM; echo $PGPASSFILE; while :; do sleep 0.05; done # {tmp_path}"
    command = [sys.executable, "-m", "devinprod_proxy", "run", "--session", "bug", "--", "sh", "-c", program]
    environ = {
        **{f"DEVINPROD_{key}": value for key, value in (("PROXY", "h:1"), ("USER", "a"), ("PASSWORD", "p"))},
        "DEVINPROD_TARGET": "shop",
        "PYTHONPATH": ":".join(sys.path),
        "PATH": "/usr/bin:/bin",
    }
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        passfile = Path(child.stdout.readline().strip())
        assert passfile.exists()
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 9
    assert not passfile.parent.exists()
