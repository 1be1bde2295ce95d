"""The first minutes, as a person has them: `devinprod demo`, JupyterLab, the tour's first cells, the sidebar live."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.browser

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "tour.png"


class Demo:
    """A running `devinprod demo`, with what it printed."""

    def __init__(self) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("DEVINPROD_", "JUPYTER"))}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "devinprod_proxy", "demo", "--rows", "1000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environ,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(90), self.said
        found = re.search(r"JupyterLab\s+(http\S+)", self.said)
        assert found, self.said
        self.url = found[1]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if "Ctrl-C" in line:
                self._ready.set()
        self._ready.set()

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    started = Demo()
    yield started
    if started.process.poll() is None:
        started.stop()


async def run_cell(page: Page, number: int) -> None:
    """Run the cell at hand and wait for its answer; the next one is then at hand."""
    await page.keyboard.press("Shift+Enter")
    await page.wait_for_function(
        """number => {
            const content = window.jupyterapp.shell.currentWidget.content;
            const model = content.widgets[number].model;
            return model.type !== 'code' || model.executionCount > 0 && model.executionState !== 'running';
        }""",
        arg=number,
        timeout=60_000,
    )


async def test_first_cells_and_the_sidebar(demo: Demo, chromium: Any, screenshots: Path) -> None:
    context = await chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(demo.url)
    # wait_for_function takes a promise for a yes, evaluate waits for it.
    await page.wait_for_function("!!window.jupyterapp")
    await page.evaluate("window.jupyterapp.restored.then(() => true)")
    await page.wait_for_function(
        """() => {
            const session = window.jupyterapp.shell.currentWidget?.context?.sessionContext;
            return !!session && session.isReady && !!session.session?.kernel;
        }""",
        timeout=60_000,
    )
    await page.evaluate(
        "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.info.then(() => true)"
    )
    await page.locator(".jp-Notebook .jp-Cell").first.click()
    await page.keyboard.press("Escape")
    # Up to the frame with its masked columns.
    for number in range(8):
        await run_cell(page, number)
    notebook = page.locator(".jp-NotebookPanel")
    await expect(notebook.get_by_text("Nothing that you do here can be committed")).to_be_visible()
    table = notebook.locator("table").first
    await expect(table).to_contain_text("🔒")
    panel = page.get_by_role("region", name="Session on production data (devinprod)")
    await expect(panel).to_contain_text("checkout-bug")
    await expect(panel.get_by_role("status").first).to_contain_text("clean")
    await expect(panel).to_contain_text("SELECT")
    await page.screenshot(path=screenshots / "tour.png")
    # On to the worst that can happen: the sidebar turns dirty, and clean again after the reset.
    for number in range(8, 21):
        await run_cell(page, number)
    await expect(panel.get_by_role("status").first).to_contain_text("dirty")
    await page.screenshot(path=screenshots / "tour-dirty.png")
    for number in range(21, 25):
        await run_cell(page, number)
    await expect(panel.get_by_role("status").first).to_contain_text("clean")
    await page.screenshot(path=screenshots / "tour-clean-again.png")
    assert faults == []
    await context.close()


def test_ctrl_c_leaves_nothing(demo: Demo) -> None:
    """Runs last: the demo of this module ends, and with it everything that it started."""
    folders = set(re.findall(r"/\S*devinprod-\S+", demo.said))
    group = demo.process.pid
    assert demo.stop() == 0, demo.said
    left = subprocess.run(
        ["ps", "-o", "pid=,stat=,args=", "-s", str(group)], capture_output=True, text=True, check=False
    ).stdout
    assert [line for line in left.splitlines() if line.split()[1][:1] != "Z"] == []
    assert [f for f in folders if Path(f).exists()] == []
