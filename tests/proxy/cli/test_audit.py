"""The record can be checked, read and carried away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from devinprod_proxy.cli import main
from devinprod_proxy.server.audit_file import AuditFile


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[AuditFile]:
    file = AuditFile.open(tmp_path / "audit")
    file.append({"kind": "session.open", "user": "alice", "session": "bug"})
    file.append(
        {"kind": "statement", "id": "t.1", "user": "alice", "session": "bug", "asked": "SELECT\n\x1b[2J 1"}
    )
    file.append(
        {"kind": "statement.end", "of": "t.1", "user": "alice", "session": "bug", "rows": 1, "ms": 0.5}
    )
    file.append(
        {"kind": "statement.refused", "user": "bob", "session": "x", "sqlstate": "42501", "message": "no"}
    )
    file.sync_now()
    yield file
    file.close()


def test_verify_a_running_record_and_a_copy(
    audit: AuditFile, tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--audit", str(audit.folder)]) == 0
    assert "4 records, every one as it was written" in capsys.readouterr().out
    assert main(["audit", "verify", "--config", str(config)]) == 0
    copy = tmp_path / "copy"
    shutil.copytree(audit.folder, copy)
    assert main(["audit", "verify", "--audit", str(copy)]) == 0
    segment = copy / "00000001.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"alice", b"mallo", 1))
    capsys.readouterr()
    assert main(["audit", "verify", "--audit", str(copy)]) == 1
    assert "00000001.jsonl line 1: the content does not match its hash" in capsys.readouterr().err
    assert main(["audit", "verify", "--audit", str(tmp_path / "gone")]) == 1
    (copy / "head.json").unlink()
    segment.unlink()
    assert main(["audit", "verify", "--audit", str(copy)]) == 1


def test_verify_tells_of_recoveries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "audit"
    AuditFile.open(folder).close()
    (folder / "00000001.jsonl").write_bytes(b'{"hash":"ab')
    assert main(["audit", "verify", "--audit", str(folder)]) == 0
    assert "the beginning of one more" in capsys.readouterr().out
    AuditFile.open(folder).close()
    assert main(["audit", "verify", "--audit", str(folder)]) == 0
    assert "1 times a proxy was stopped" in capsys.readouterr().out
    assert main(["audit", "tail", "--kind", "recovery", "--audit", str(folder)]) == 0
    assert "stopped while it wrote" in capsys.readouterr().out


def test_tail(audit: AuditFile, capsys: pytest.CaptureFixture[str]) -> None:
    named = ["--audit", str(audit.folder)]
    assert main(["audit", "tail", *named]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].endswith("Z  t.1  alice/bug  statement  SELECT \\x1b[2J 1"), "nothing steers the terminal"
    assert lines[3].endswith("4  bob/x  statement.refused  sqlstate=42501  no")
    assert main(["audit", "tail", "-n", "1", "--user", "alice", "--json", *named]) == 0
    assert json.loads(capsys.readouterr().out)["of"] == "t.1"
    assert main(["audit", "tail", "--session", "x", "--kind", "statement", *named]) == 0
    assert capsys.readouterr().out == ""


def test_show_a_statement_with_its_end(audit: AuditFile, capsys: pytest.CaptureFixture[str]) -> None:
    named = ["--audit", str(audit.folder)]
    assert main(["audit", "show", "t.1", *named]) == 0
    said = capsys.readouterr().out
    assert ('"asked": "SELECT\\n\\u001b[2J 1"' in said, '"ms": 0.5' in said) == (True, True)
    assert main(["audit", "show", "1", *named]) == 0
    assert "session.open" in capsys.readouterr().out
    assert main(["audit", "show", "77", *named]) == 1
    assert "no record 77" in capsys.readouterr().err


def test_follow_shows_what_comes(audit: AuditFile) -> None:
    command = [sys.executable, "-m", "devinprod_proxy", "audit", "tail", "-f", "-n", "1", "--audit"]
    environ = {"PYTHONPATH": ":".join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, str(audit.folder)], stdout=subprocess.PIPE, text=True, env=environ
    ) as child:
        assert child.stdout is not None
        assert "statement.refused" in child.stdout.readline()
        for number in range(3):
            audit.append({"kind": "statement", "asked": f"SELECT {number}"})
            assert f"SELECT {number}" in child.stdout.readline()
        child.terminate()


def test_export(audit: AuditFile, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    named = ["--audit", str(audit.folder)]
    assert main(["audit", "export", *named]) == 0
    assert capfdbinary.readouterr().out == (audit.folder / "00000001.jsonl").read_bytes()
    out = tmp_path / "out.parquet"
    assert main(["audit", "export", "--format", "parquet", "-o", str(out), "--user", "alice", *named]) == 0
    from pyarrow import parquet

    table = parquet.read_table(out)
    assert table.column("kind").to_pylist() == ["session.open", "statement", "statement.end"]
    assert table.column("ms").to_pylist() == [None, None, 0.5]
