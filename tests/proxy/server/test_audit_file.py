"""What was appended is on disk, whatever happens to the writer."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devinprod_proxy.errors import AuditUnavailable
from devinprod_proxy.server.audit_file import AuditFile
from devinprod_proxy.server.audit_folder import HEAD, lines, read_head, verify_folder
from devinprod_proxy.session.record import parse_head
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIRST = "00000001.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def audit(folder: Path) -> Iterator[AuditFile]:
    file = AuditFile.open(folder)
    yield file
    file.close()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.002)


def head_count(folder: Path) -> int:
    head = parse_head(read_head(folder) or b"")
    assert head is not None
    return head.count


def kinds(folder: Path) -> list[str]:
    return [json.loads(line).get("kind") for line in lines(folder)]


def written(folder: Path, count: int) -> None:
    """A record of that many entries, closed."""
    file = AuditFile.open(folder)
    for number in range(count):
        file.append({"kind": "statement", "asked": f"SELECT {number}"})
    file.close()


def test_a_record_is_in_the_file_when_append_returns(audit: AuditFile, folder: Path) -> None:
    assert audit.append({"kind": "statement", "asked": "SELECT 1"}) == "1"
    entry = json.loads((folder / FIRST).read_text())
    assert (entry["kind"], entry["asked"], entry["seq"]) == ("statement", "SELECT 1", 1)
    assert entry["at"].endswith("Z")
    assert audit.append({"kind": "statement.end", "at": "then", "of": "1"}) == "2"
    assert json.loads((folder / FIRST).read_text().splitlines()[1])["at"] == "then"


def test_the_head_follows_by_itself_and_is_never_ahead(audit: AuditFile, folder: Path) -> None:
    assert head_count(folder) == 0
    for _ in range(50):
        audit.append({"kind": "statement"})
        assert head_count(folder) <= (folder / FIRST).read_bytes().count(b"\n")
    until(lambda: head_count(folder) == 50, "the head did not follow")
    assert verify_folder(folder).fault is None


def test_only_the_owner_can_read(audit: AuditFile, folder: Path) -> None:
    audit.append({"kind": "statement"})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_one_writer_at_a_time(audit: AuditFile, folder: Path) -> None:
    with pytest.raises(AuditUnavailable, match="another running proxy"):
        AuditFile.open(folder)
    audit.close()
    AuditFile.open(folder).close()


def test_a_restart_continues_the_chain(folder: Path) -> None:
    for _ in range(3):
        written(folder, 4)
    report = verify_folder(folder)
    assert (report.fault, report.last.count, report.recoveries) == (None, 12, 0)


def test_segments_are_begun_and_continued(folder: Path) -> None:
    for _ in range(3):
        file = AuditFile.open(folder, segment_bytes=1000)
        for number in range(7):
            file.append({"kind": "statement", "asked": f"SELECT {number}"})
        file.close()
    assert len(list(folder.glob("*.jsonl"))) > 3
    report = verify_folder(folder)
    assert (report.fault, report.last.count) == (None, 21)
    (folder / "00000002.jsonl").unlink()
    assert "00000002.jsonl: is missing" in str(verify_folder(folder).fault)
    with pytest.raises(AuditUnavailable, match="a segment is missing"):
        AuditFile.open(folder)


def test_durable_and_each_are_on_disk_when_they_return(folder: Path) -> None:
    file = AuditFile.open(folder, "each")
    assert file.append({"kind": "statement"}) == "1"
    assert file.durable({"kind": "statement"}) == "2"
    file.close()
    file = AuditFile.open(folder)
    assert file.durable({"kind": "statement"}) == "3"
    file.close()
    assert head_count(folder) == 3
    with pytest.raises(AuditUnavailable, match="closed"):
        file.append({"kind": "statement"})


def test_a_copy_of_a_running_folder_verifies(audit: AuditFile, folder: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            audit.append({"kind": "statement", "asked": "SELECT " + "x" * 5000})
            stop.wait(0.0002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: head_count(folder) > 0, "nothing was written")
        for number in range(20):
            copy = tmp_path / f"copy{number}"
            copy.mkdir()
            # The unlucky order: the head last.
            for name in (FIRST, HEAD):
                subprocess.run(["cp", folder / name, copy / name], check=True)
            assert verify_folder(copy).fault is None
            assert verify_folder(folder).fault is None
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("cut", [1, 2, 30, 100])
@pytest.mark.parametrize("head_knows_it", [False, True])
def test_a_torn_end_is_closed_and_verifies_then(folder: Path, cut: int, head_knows_it: bool) -> None:
    written(folder, 5)
    head = (folder / HEAD).read_bytes()
    written(folder, 1)
    if not head_knows_it:
        (folder / HEAD).write_bytes(head)
    os.truncate(folder / FIRST, (folder / FIRST).stat().st_size - cut)
    before = verify_folder(folder)
    assert (before.fault is None, before.unfinished) == (not head_knows_it, True)
    AuditFile.open(folder).close()
    report = verify_folder(folder)
    assert (report.fault, report.unfinished, report.recoveries) == (None, False, 1)
    assert report.last.count == (7 if cut == 1 else 6)
    recovery = json.loads(list(lines(folder))[-1])
    assert (recovery.get("lost", {}).get("seq") == 6) is (head_knows_it and cut > 1)
    # The torn bytes are under the chain as well.
    content = bytearray((folder / FIRST).read_bytes())
    content[content.rindex(b"\n", 0, content.rindex(b'{"hash"')) - 3] ^= 1
    (folder / FIRST).write_bytes(content)
    assert verify_folder(folder).fault is not None


def test_a_tear_in_the_first_record_of_a_segment_is_closed(folder: Path) -> None:
    written(folder, 3)
    (folder / "00000002.jsonl").write_bytes(b'{"hash":"12\n\0\0\0')
    file = AuditFile.open(folder)
    file.append({"kind": "statement"})
    file.close()
    report = verify_folder(folder)
    assert (report.fault, report.last.count, report.recoveries) == (None, 5, 1)


def test_a_tear_is_closed_even_if_its_closing_was_torn(folder: Path) -> None:
    written(folder, 3)
    with (folder / FIRST).open("ab") as segment:
        segment.write(b'{"hash":"12')
    AuditFile.open(folder).close()
    content = (folder / FIRST).read_bytes()
    (folder / HEAD).write_bytes(b"")
    (folder / FIRST).write_bytes(content[:-20])
    AuditFile.open(folder).close()
    report = verify_folder(folder)
    assert (report.fault, report.last.count, report.recoveries) == (None, 4, 1)


def test_a_head_that_a_power_cut_emptied_is_made_again(folder: Path) -> None:
    written(folder, 3)
    (folder / HEAD).write_bytes(b"\0" * 80)
    assert verify_folder(folder).fault is not None
    AuditFile.open(folder).close()
    assert kinds(folder)[-1] == "recovery"
    assert verify_folder(folder).fault is None


def test_a_changed_record_is_not_continued(folder: Path) -> None:
    written(folder, 3)
    whole = (folder / FIRST).read_bytes()
    for content in (whole.replace(b"SELECT 1", b"SELECT 9"), whole[: whole.rindex(b'{"hash"')], b""):
        (folder / FIRST).write_bytes(content)
        with pytest.raises(AuditUnavailable, match="changed or cut"):
            AuditFile.open(folder)
    (folder / FIRST).write_bytes(whole)
    (folder / HEAD).unlink()
    with pytest.raises(AuditUnavailable, match="head"):
        AuditFile.open(folder)


def test_a_killed_writer_loses_nothing(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from devinprod_proxy.server.audit_file import AuditFile\n"
        "audit = AuditFile.open(Path(sys.argv[1]))\n"
        "while True: print(audit.append({'kind': 'statement', 'asked': 'x' * 500}), flush=True)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, env=environ
    ) as child:
        assert child.stdout is not None
        for _ in range(200):
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
    whole = [entry for entry in rest if entry.isdigit()]
    acknowledged = int(whole[-1]) if whole and whole[-1] == rest[-1] else acknowledged
    AuditFile.open(folder).close()
    report = verify_folder(folder)
    assert report.fault is None
    assert report.last.count >= acknowledged - 1


def test_a_full_disk_refuses_and_the_writer_lives(audit: AuditFile, folder: Path) -> None:
    audit.append({"kind": "statement"})
    size = (folder / FIRST).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, hard))
    try:
        for _ in range(3):
            with pytest.raises(AuditUnavailable, match="cannot be written"):
                audit.append({"kind": "statement", "asked": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / FIRST).stat().st_size == size
    assert audit.append({"kind": "statement"}) == "2"
    audit.close()
    assert verify_folder(folder).fault is None


def test_what_json_cannot_hold_is_not_recorded(audit: AuditFile, folder: Path) -> None:
    with pytest.raises(AuditUnavailable, match="cannot be recorded"):
        audit.append({"kind": "statement", "rows": float("nan")})
    assert (folder / FIRST).read_bytes() == b""


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuditUnavailable, match="file"):
        AuditFile.open(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        verify_folder(tmp_path / "gone")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_any_file_is_found(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "audit"
    if not folder.exists():
        file = AuditFile.open(folder, segment_bytes=1500)
        for number in range(9):
            file.append({"kind": "statement", "asked": f"SELECT {number}"})
        file.close()
    name = data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
    whole = (folder / name).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    pieces = whole.splitlines(keepends=True)
    line = data.draw(st.integers(0, len(pieces) - 1))
    damages = [bytes(changed), whole[:at], b"".join(pieces[:line] + pieces[line + 1 :])]
    try:
        for damage in damages:
            (folder / name).write_bytes(damage)
            assert verify_folder(folder).fault is not None
        (folder / name).unlink()
        assert verify_folder(folder).fault is not None
    finally:
        (folder / name).write_bytes(whole)
    assert verify_folder(folder).fault is None
