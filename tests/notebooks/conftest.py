"""The demo's service, imported as uvicorn would: from notebooks/, with its address in a variable."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MODULES = ("db", "orders", "pricing", "refunds", "customers", "app")


@pytest.fixture(scope="module")
def import_shop() -> Iterator[Callable[[str], SimpleNamespace]]:
    """``import_shop(url)``: its modules, once a test file; forgotten with it."""
    imported: list[SimpleNamespace] = []

    with pytest.MonkeyPatch.context() as patch:

        def shop_at(url: str) -> SimpleNamespace:
            patch.setenv("SHOP_DATABASE_URL", url)
            patch.syspath_prepend(str(NOTEBOOKS))
            modules = {name: importlib.import_module(f"shop_service.{name}") for name in MODULES}
            imported.append(SimpleNamespace(**modules))
            return imported[-1]

        yield shop_at
        for shop in imported:
            shop.db.engine.dispose()
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop_service"]:
            del sys.modules[name]
