"""One audit record a cell; a cell that must not run does not."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cells = Callable[[str], list[dict[str, Any]]]


def connected(start_kernel: Any, session: str, **options: Any) -> Any:
    kernel = start_kernel(**options)
    kernel.ok(f"%devinprod connect {session}")
    return kernel


def test_each_cell_has_its_record(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name, env={"JPY_SESSION_NAME": "/home/a/tour.ipynb"})
    kernel.ok("%devsql SELECT 1", cell="the-cell")
    cell = cells(session_name)[-1]
    assert cell["source"] == "%devsql SELECT 1"
    assert cell["cell_id"] == "the-cell"
    assert cell["notebook"] == "/home/a/tour.ipynb"
    assert cell["outcome"] == "ok"


def test_the_connecting_cell_is_recorded_too(cells: Cells, start_kernel: Any, session_name: str) -> None:
    connected(start_kernel, session_name)
    (cell,) = cells(session_name)
    assert cell["source"] == f"%devinprod connect {session_name}"
    assert cell["outcome"] == "ok"


def test_outcomes(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    kernel.run("1/0")
    assert cells(session_name)[-1]["outcome"] == "error"
    kernel.run("def broken(:")
    assert cells(session_name)[-1]["outcome"] == "error"
    number = kernel.start("import time\nprint('here', flush=True)\ntime.sleep(50)")
    while kernel.client.get_iopub_msg(timeout=30)["content"].get("text") != "here\n":
        pass
    kernel.interrupt()
    kernel.finish(number)
    assert cells(session_name)[-1]["outcome"] == "interrupted"
    kernel.ok("2")
    assert cells(session_name)[-1]["outcome"] == "ok"


def test_a_cell_that_runs_cells_is_one(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    before = len(cells(session_name))
    kernel.ok("get_ipython().run_cell('x = 1')\nget_ipython().run_cell('x = 2')")
    assert len(cells(session_name)) == before + 1
    assert cells(session_name)[-1]["outcome"] == "ok"


def test_without_a_record_nothing_runs(
    end: Callable[[str], Any], start_kernel: Any, session_name: str
) -> None:
    kernel = connected(start_kernel, session_name)
    end(session_name)
    ran = kernel.run("open('ran', 'w').close()")
    assert (ran.status, ran.error) == ("error", "Rejected")
    assert ran.traceback.startswith("No audit record could be opened, so this cell was not run.\n")
    assert session_name in ran.traceback
    assert "Traceback" not in ran.traceback
    assert kernel.run("import os; os.path.exists('ran')").status == "error"
    # The commands still work, and lead out.
    kernel.ok("%devinprod end --leave")
    assert kernel.ok("import os; os.path.exists('ran')").value == "False"


def test_a_dead_proxy_stops_cells_and_can_be_left(start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    kernel.ok("%config DevInProd.control")
    kernel.ok("get_ipython()._devinprod_magics.joined.control._http.base_url = 'http://127.0.0.1:1'")
    ran = kernel.run("x = 1")
    assert ran.error == "Rejected"
    assert "The proxy does not answer." in ran.traceback
    assert "127.0.0.1" not in ran.everything
    ran = kernel.ok("%devinprod end")
    assert "cannot be asked: the proxy does not answer" in ran.text
    kernel.ok("x = 1")


def test_after_end_cells_are_no_longer_recorded(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    ran = kernel.ok("%devinprod end")
    assert ran.text.startswith(f"{session_name} ended: ")
    assert "nothing was committed." in ran.text
    kernel.ok("x = 1")
    assert kernel.ok("%devinprod").text.startswith("Not connected")


def test_a_killed_kernel_leaves_its_cell_open(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    number = kernel.start("print('here', flush=True)\nimport time\ntime.sleep(50)")
    assert number
    while kernel.client.get_iopub_msg(timeout=30)["content"].get("text") != "here\n":
        pass
    kernel.manager.signal_kernel(signal.SIGKILL)
    assert cells(session_name)[-1].get("outcome") in (None, "")


def test_an_edit_that_cannot_be_loaded_stops_cells(
    cells: Cells, start_kernel: Any, session_name: str, tmp_path: Path
) -> None:
    package = tmp_path / "cell_shop"
    package.mkdir()
    (package / "__init__.py").write_text("RATE = 1\n")
    kernel = connected(start_kernel, session_name, env={"PYTHONPATH": str(tmp_path)})
    kernel.ok("%devinprod use cell_shop")
    assert kernel.ok("cell_shop.RATE").value == "1"

    def edit(text: str) -> None:
        before = (package / "__init__.py").stat().st_mtime_ns
        while (package / "__init__.py").stat().st_mtime_ns == before:
            (package / "__init__.py").write_text(text)

    edit("RATE = = 2\n")
    for _ in range(2):
        ran = kernel.run("cell_shop.RATE")
        assert ran.error == "Rejected"
        assert ran.traceback.splitlines()[0].endswith("has the old code. This cell was not run.")
        assert "__init__.py, line 1: SyntaxError" in ran.traceback
        assert "RATE = = 2" in ran.traceback
    assert cells(session_name)[-1]["outcome"] == "error"
    assert kernel.ok("%devinprod status").text
    edit("RATE = 3\n")
    assert kernel.ok("cell_shop.RATE").value == "3"


def test_plain_ipython_has_records_too(demo: Any, cells: Cells, session_name: str, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    script = [
        "%load_ext devinprod",
        f"%devinprod connect {session_name}",
        "%devsql SELECT id FROM orders WHERE id = 10112",
    ]
    env = {**os.environ, **demo.env, "IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", "--simple-prompt"],
        input="\n".join(script) + "\n",
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=True,
    )
    assert f"● {session_name}" in done.stdout
    assert "10112" in done.stdout
    cell = cells(session_name)[-1]
    assert cell["source"].startswith("%devsql")
    assert cell["notebook"] is None


def test_the_hash_is_of_the_source(cells: Cells, start_kernel: Any, session_name: str) -> None:
    kernel = connected(start_kernel, session_name)
    source = "'Zoë' # " + "x" * 50
    kernel.ok(source)
    cell = cells(session_name)[-1]
    if "sha256" in cell:
        assert cell["sha256"] == hashlib.sha256(source.encode()).hexdigest()
    deadline = time.monotonic() + 10
    while cells(session_name)[-1].get("outcome") is None:
        assert time.monotonic() < deadline
