"""A company's own code in a kernel: the shop's service, unchanged, on the session."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def shop(
    start_kernel: Callable[..., Any], session_name: str, tmp_path: Path, demo: Any
) -> Iterator[tuple[Any, Path]]:
    """A kernel that uses a copy of the service whose own settings lead to production."""
    shutil.copytree(NOTEBOOKS / "shop_service", tmp_path / "shop_service")
    env = {"PYTHONPATH": str(tmp_path), "SHOP_DATABASE_URL": demo.primary_dsn, "PYTHONDONTWRITEBYTECODE": "1"}
    kernel = start_kernel(env=env)
    kernel.ok(f"%devinprod connect {session_name}")
    yield kernel, tmp_path / "shop_service"
    kernel.run("%devinprod end")


def status(dsn: str) -> Any:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT status::text FROM orders WHERE id = 10112").fetchone()


def test_use_says_what_it_did(shop: tuple[Any, Path], session_name: str) -> None:
    kernel, folder = shop
    ran = kernel.ok("%devinprod use shop_service.pricing")
    place = f"{folder.parent.name}/shop_service"
    assert (
        ran.text
        == f"shop_service from …/{place}: 1 engine re-pointed to {session_name}, reloads as you edit\n"
    )
    assert kernel.ok("shop_service.pricing.total(10112)").value == "Decimal('-2.86')"
    assert "shop_service" in kernel.ok("%devinprod status").text


def test_service_and_notebook_share_a_world_that_nobody_else_sees(shop: tuple[Any, Path], demo: Any) -> None:
    kernel, _ = shop
    before = status(demo.primary_dsn)
    kernel.ok("%devinprod use shop_service")
    kernel.ok("from shop_service import orders, db, models")
    kernel.ok(
        "with db.Session.begin() as session:\n"
        "    session.get_one(models.Order, 10112).status = models.OrderStatus.cancelled"
    )
    assert "cancelled" in kernel.ok("%devsql SELECT status FROM orders WHERE id = 10112").value
    kernel.ok("%devsql UPDATE orders SET status = 'shipped' WHERE id = 10112")
    assert "shipped" in kernel.ok("orders.detail(10112).status.value").value
    assert status(demo.primary_dsn) == before
    assert status(demo.replica_dsn) == before
    kernel.ok("%devinprod reset")
    assert kernel.ok("orders.detail(10112).status.value").value == repr(before[0])


def test_an_edit_is_in_the_next_cell(shop: tuple[Any, Path]) -> None:
    kernel, folder = shop
    kernel.ok("%devinprod use shop_service")
    kernel.ok("from shop_service import pricing\ntotal = pricing.total")
    file = folder / "pricing.py"
    mended = file.read_text().replace('== "percent"', 'in ("percent", None)')
    before = file.stat().st_mtime_ns
    while file.stat().st_mtime_ns == before:
        file.write_text(mended)
    assert kernel.ok("pricing.total(10112)").value == "Decimal('15.94')"
    assert kernel.ok("total(10112)").value == "Decimal('15.94')"


def test_imported_and_connected_before_use(shop: tuple[Any, Path], session_name: str) -> None:
    kernel, _ = shop
    kernel.ok("from shop_service import pricing, db\npricing.total(10112)\nheld = db.engine.connect()")
    kernel.ok("%devsql UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 10112")
    assert kernel.ok("pricing.total(10112)").value == "Decimal('-2.86')"
    ran = kernel.ok("%devinprod use shop_service")
    assert "that went elsewhere before: closed." in ran.text
    assert kernel.ok("pricing.total(10112)").value != "Decimal('-2.86')"
    # What still held a direct connection cannot go on with it.
    assert kernel.run("held.exec_driver_sql('SELECT 1')").status == "error"


def test_after_the_end_nothing_falls_back_to_production(shop: tuple[Any, Path], session_name: str) -> None:
    kernel, _ = shop
    kernel.ok("%devinprod use shop_service.pricing")
    kernel.ok("shop_service.pricing.total(10112)")
    kernel.ok("%devinprod end")
    ran = kernel.run("shop_service.pricing.total(10112)")
    assert ran.error == "WouldBypass"
    kernel.ok(f"%devinprod connect {session_name}-again")
    assert kernel.ok("shop_service.pricing.total(10112)").value == "Decimal('-2.86')"
    assert "shop_service" in kernel.ok("%devinprod status").text


def test_connecting_elsewhere_takes_the_service_along(shop: tuple[Any, Path], session_name: str) -> None:
    kernel, _ = shop
    kernel.ok("%devinprod use shop_service.pricing")
    kernel.ok("%devsql UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 10112")
    changed = kernel.ok("shop_service.pricing.total(10112)").value
    assert changed != "Decimal('-2.86')"
    ran = kernel.ok(f"%devinprod connect {session_name}-second")
    assert f"Left {session_name}; it stays open at the proxy" in ran.text
    assert kernel.ok("shop_service.pricing.total(10112)").value == "Decimal('-2.86')"
    kernel.ok(f"%devinprod end\n%devinprod connect {session_name}")
    assert kernel.ok("shop_service.pricing.total(10112)").value == changed


def test_a_package_that_is_not_there(shop: tuple[Any, Path]) -> None:
    kernel, _ = shop
    ran = kernel.run("%devinprod use shop_servcie")
    assert ran.error == "WrongUse"
    assert "There is no package 'shop_servcie'" in ran.traceback


def test_nothing_secret_is_shown(shop: tuple[Any, Path], demo: Any) -> None:
    kernel, _ = shop
    seen = "".join(
        kernel.run(code).everything
        for code in (
            "%devinprod use shop_service",
            "%devinprod status",
            "%devinprod sessions",
            "%config DevInProd",
            "get_ipython()._devinprod_magics.joined",
            "%devsql SELECT wrong",
            "shop_service.db.engine",
        )
    )
    for secret in (demo.env["DEVINPROD_PROXY"], demo.env["DEVINPROD_TOKEN"], demo.env["DEVINPROD_CONTROL"]):
        assert secret not in seen
    assert f":{demo.env['DEVINPROD_PASSWORD']}@" not in seen
    assert "password" not in seen
