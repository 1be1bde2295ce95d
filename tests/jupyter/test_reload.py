"""Reloading the working copy before a cell."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from devinprod_jupyter.reload import Reloader


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "reloaded_shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "pricing.py").write_text("def total():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "reloaded_shop"]:
        del sys.modules[name]


def write(file: Path, text: str) -> None:
    """Save as an editor does; the file's time moves on even on a coarse clock."""
    before = file.stat().st_mtime
    file.write_text(text)
    os.utime(file, (before + 2, before + 2))


def load(package: Path) -> tuple[Reloader, ModuleType]:
    pricing = importlib.import_module("reloaded_shop.pricing")
    reloader = Reloader()
    reloader.add("reloaded_shop")
    return reloader, pricing


def test_an_edit_is_seen_by_functions_already_held(package: Path) -> None:
    reloader, pricing = load(package)
    total = pricing.total
    assert reloader.check() == []
    write(package / "pricing.py", "def total():\n    return 2\n")
    assert reloader.check() == []
    assert total() == 2


def test_a_module_imported_later_is_reloaded_too(package: Path) -> None:
    reloader, _ = load(package)
    (package / "tax.py").write_text("RATE = 1\n")
    importlib.invalidate_caches()
    tax = importlib.import_module("reloaded_shop.tax")
    reloader.note()
    write(package / "tax.py", "RATE = 2\n")
    assert reloader.check() == []
    assert tax.RATE == 2


def test_a_failure_is_kept_until_the_file_is_mended(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reloader, pricing = load(package)
    write(package / "pricing.py", "def total():\n    return (2\n")
    for _ in range(2):
        (failure,) = reloader.check()
        assert failure.lines()[0].startswith("pricing.py, line 2: SyntaxError:")
        assert "return (2" in failure.lines()[1]
        assert pricing.total() == 1
    write(package / "pricing.py", "def total():\n    return 3\n")
    assert reloader.check() == []
    assert pricing.total() == 3
    assert capsys.readouterr().err == ""


def test_an_error_at_import_names_its_line(package: Path) -> None:
    reloader, _ = load(package)
    write(package / "pricing.py", "def total():\n    return 2\n\nTAX = 1 / 0\n")
    (failure,) = reloader.check()
    assert failure.lines() == ["pricing.py, line 4: ZeroDivisionError: division by zero"]
