"""%devinprod and %%devsql in a real kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest


def test_loading_is_quick(start_kernel: Any) -> None:
    kernel = start_kernel(load=False)
    ran = kernel.ok(
        "import sys, time\nbegin = time.perf_counter()\n%load_ext devinprod\n"
        "print(time.perf_counter() - begin, 'pandas' in sys.modules, 'psycopg' in sys.modules)"
    )
    seconds, pandas, psycopg = ran.text.split()
    assert float(seconds) < 0.5
    assert (pandas, psycopg) == ("False", "False")


def test_before_connecting_the_next_step_is_said(start_kernel: Any) -> None:
    kernel = start_kernel()
    assert kernel.ok("%devinprod").text == (
        "Not connected to a session.\n  Next: %devinprod connect NAME, or %devinprod help\n"
    )
    ran = kernel.run("%devsql SELECT 1")
    assert ran.error == "NotConnected"
    assert ran.traceback == "This notebook is not connected to a session.\nHint: %devinprod connect NAME"


def test_connect_says_where_one_is(start_kernel: Any, session_name: str) -> None:
    kernel = start_kernel()
    ran = kernel.ok(f'%devinprod connect {session_name} --reason "ticket 4711: {{total}} is $wrong"')
    first, second, third = ran.text.splitlines()
    assert first.startswith(f"● {session_name}   shop (subscriber copy")
    assert first.endswith("as demo, role developer")
    assert second.startswith("  Nothing that you do here can be committed. ")
    assert third == "  Next: %%devsql, or %devinprod use PACKAGE"
    sessions = kernel.ok("%devinprod sessions").value
    assert "ticket 4711: {total} is $wrong" in sessions


def test_a_frame_comes_back_and_stays_in_underscore(kernel: Any) -> None:
    assert "10112" in kernel.ok("%%devsql\nSELECT id, status FROM orders WHERE id = 10112").html
    assert kernel.ok("_.shape").value == "(1, 2)"


def test_variables_of_the_notebook_are_bound(kernel: Any) -> None:
    kernel.ok("order_id = 10112\nids = [10112, 10084]")
    kernel.ok("%%devsql rows <<\nSELECT id FROM orders WHERE id = :order_id")
    assert kernel.ok("rows.id.tolist()").value == "[10112]"
    kernel.ok("%devsql rows << SELECT id FROM orders WHERE id IN :ids ORDER BY id")
    assert kernel.ok("rows.id.tolist()").value == "[10084, 10112]"
    ran = kernel.run("%devsql SELECT :order_ids")
    assert ran.error == "ParameterMissing"
    assert "Did you mean :order_id?" in ran.traceback


def test_local_names_of_a_function_do_not_leak_braces(kernel: Any) -> None:
    kernel.ok("x = 1")
    ran = kernel.ok("%devsql SELECT '{x} $x' AS y")
    assert "{x} $x" in ran.value


def test_the_name_says_what_it_got_and_shows_nothing(kernel: Any) -> None:
    ran = kernel.ok("%%devsql rows <<\nSELECT id, status FROM orders LIMIT 3")
    assert ran.text == "rows: 3 rows, 2 columns\n"
    assert not ran.shown


def test_a_semicolon_silences(kernel: Any) -> None:
    assert not kernel.ok("%%devsql\nSELECT 1; -- done").shown
    assert kernel.ok("%%devsql\nSELECT 1").shown


def test_the_cut_is_said(kernel: Any) -> None:
    ran = kernel.ok("%%devsql --limit 2\nSELECT * FROM orders")
    assert ran.text == "Cut at 2 rows, there are more: --limit N, or --limit 0 for all.\n"
    kernel.ok("%config DevInProd.limit = 3")
    assert kernel.ok("%devsql r << SELECT * FROM orders").text.startswith("Cut at 3 rows")
    kernel.ok("%config DevInProd.limit = 10000")
    assert not kernel.ok("%devsql SELECT * FROM orders LIMIT 5").text


@pytest.mark.parametrize(("form", "expected"), [("arrow", "pyarrow.Table"), ("rows", "[(1, 'a')]")])
def test_other_formats(kernel: Any, form: str, expected: str) -> None:
    assert kernel.ok(f"%devsql --format {form} SELECT 1 AS x, 'a' AS y").value.startswith(expected)


def test_explain_shows_the_plan(kernel: Any) -> None:
    ran = kernel.ok("%%devsql --explain\nSELECT * FROM orders WHERE id = 10112")
    assert "orders" in ran.text
    assert not ran.shown


def test_an_error_is_one_screen_with_a_caret(kernel: Any) -> None:
    ran = kernel.run("%%devsql\nSELECT id,\n  totl\nFROM orders")
    assert ran.status == "error"
    assert ran.error == "SqlError"
    lines = ran.traceback.splitlines()
    assert lines[0] == '42703 column "totl" does not exist'
    at = lines.index("  2 |   totl")
    assert lines[at + 1].index("^") == lines[at].index("totl")
    assert len(lines) < 12
    assert "File " not in ran.traceback
    kernel.ok("%devsql SELECT 1")


def test_an_error_in_the_second_statement_points_into_the_cell(kernel: Any) -> None:
    ran = kernel.run("%%devsql\nSELECT 1;\nSELECT wrong FROM orders;")
    assert "  2 | SELECT wrong FROM orders;" in ran.traceback


def test_several_statements_show_the_last_result(kernel: Any) -> None:
    ran = kernel.ok("%%devsql\nSELECT 1 AS a;\nSELECT 2 AS b")
    assert ran.text == "1 row, not shown: only the last result of a cell is.\n"
    assert "b" in ran.value


def test_frames_on_request(kernel: Any) -> None:
    kernel.ok("%config DevInProd.tracebacks = True")
    assert "Traceback" in kernel.run("%devsql SELECT wrong").traceback
    kernel.ok("%config DevInProd.tracebacks = False")
    assert "Traceback" not in kernel.run("%devsql SELECT wrong").traceback


def test_a_wrong_command_stops_run_all(kernel: Any) -> None:
    ran = kernel.run("%devinprod stauts")
    assert (ran.status, ran.error) == ("error", "WrongUse")
    assert "Did you mean %devinprod status?" in ran.traceback


@pytest.mark.parametrize(
    "code", ["%devinprod?", "%devinprod help", "%devinprod connect --help", "%devsql --help"]
)
def test_help_is_there(kernel: Any, code: str) -> None:
    number = kernel.client.execute(code)
    ran = kernel.finish(number)
    assert ran.status == "ok"


def test_the_stop_button_cancels_on_the_server(kernel: Any, demo: Any) -> None:
    with psycopg.connect(demo.replica_dsn, autocommit=True) as watcher:
        number = kernel.start("%devsql SELECT count(*) FROM orders a, orders b, orders c")
        _until(lambda: _counting(watcher))
        kernel.interrupt()
        ran = kernel.finish(number)
        assert ran.error == "KeyboardInterrupt"
        _until(lambda: not _counting(watcher))
    kernel.ok("%devsql SELECT 1")


def _counting(watcher: psycopg.Connection[Any]) -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%orders%orders%orders%'"
    )
    return watcher.execute(query + " AND pid <> pg_backend_pid()").fetchone() != (0,)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def test_unloading_takes_everything_back_and_loading_again_works(
    start_kernel: Any, session_name: str
) -> None:
    kernel = start_kernel()
    kernel.ok(f"%devinprod connect {session_name}")
    kernel.ok("%unload_ext devinprod")
    assert "not found" in kernel.run("%devinprod").everything
    assert kernel.ok("len(get_ipython().ast_transformers)").value == "0"
    kernel.ok("%load_ext devinprod")
    kernel.ok("%load_ext devinprod")
    assert kernel.ok("len(get_ipython().ast_transformers)").value == "1"
    # The session stayed open at the proxy.
    assert kernel.ok(f"%devinprod connect {session_name}").text.startswith(f"● {session_name}")
    kernel.ok("%devinprod end")
