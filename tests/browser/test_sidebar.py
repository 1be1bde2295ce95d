"""The sidebar in a real JupyterLab and a real Chromium, in front of the proxy's control API.

Elements are found by role and name, as a screen reader finds them. Longer than other files, because
all its tests share one JupyterLab, which takes seconds to start.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

pytestmark = pytest.mark.browser

PANEL = "Session on production data (devinprod)"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the proxy's control API is, when it is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proxy's users, the same ones in all tests: a token outlives the proxy that issued it."""
    return tmp_path_factory.mktemp("proxy") / "users.toml"


@pytest.fixture(scope="module")
def token(worlds: Any, users_file: Path) -> str:
    """The developer's token at the proxy."""
    return str(worlds.WorldsInMemory(users_file).token)


@pytest.fixture(scope="module")
def server(lab: Any, token: str, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A JupyterLab that looks at the proxy twice a second, by its settings."""
    own = tmp_path_factory.mktemp("lab")
    settings = own / "settings" / "@devinprod" / "labextension" / "plugin.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"pollInterval": 0.5}))
    env = {"DEVINPROD_CONTROL": f"http://127.0.0.1:{port}", "DEVINPROD_TOKEN": token}
    with lab.running_lab(own, env=env) as running:
        yield running


@pytest.fixture
async def world(worlds: Any, users_file: Path, port: int) -> AsyncIterator[Any]:
    """The proxy's control API, without a session."""
    control = worlds.WorldsInMemory(users_file)
    async with control.serve(port):
        yield control


def dirty(worlds: Any, **changed: Any) -> dict[str, Any]:
    """A session with changes in two tables."""
    paid = {"inserted": 1, "updated": 2, "deleted": 0, "truncated": False}
    emptied = {"inserted": 0, "updated": 0, "deleted": 2, "truncated": True}
    changes = [
        {"schema": "public", "table": "payments", **paid},
        {"schema": "mail", "table": "outgoing_messages", **emptied},
    ]
    described: dict[str, Any] = worlds.session(
        "checkout-bug",
        **{
            "state": "dirty",
            "changes": changes,
            "change_count": 5,
            "statements": 4,
            "limits": worlds.limits(people=412, lookups=30, rows=1204, statements=41, bytes=320_000),
            **changed,
        },
    )
    return described


def story(worlds: Any) -> list[dict[str, Any]]:
    """Four statements: a masked one, a failed one, a refused one, a write."""
    return [
        worlds.statement(
            1,
            "SELECT * FROM customers WHERE id = $1",
            table="customers",
            masked=["public.customers.email", "public.customers.name"],
            run="SELECT * FROM (SELECT id, mask(email) AS email FROM public.customers) AS t WHERE id = $1",
            rows=1204,
        ),
        worlds.statement(2, "SELECT email::int FROM customers", table="customers", sqlstate="22P02", rows=0),
        worlds.statement(
            3,
            "SELECT pg_read_file('/etc/passwd')",
            sqlstate="42501",
            refused=True,
            run=None,
            rows=None,
            ms=None,
        ),
        worlds.statement(4, "UPDATE payments SET amount = 1", table="payments", rows=2),
    ]


def panel(page: Page) -> Locator:
    """The sidebar."""
    return page.get_by_role("region", name=PANEL)


async def show(page: Page) -> Locator:
    """Open the sidebar by its command."""
    await page.evaluate("window.jupyterapp.commands.execute('devinprod:show')")
    await expect(panel(page)).to_be_visible()
    return panel(page)


async def test_a_session_appears_by_itself_and_stays_current(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    async with open_lab(server) as page:
        shown = await show(page)
        await expect(shown).to_contain_text("%devinprod connect checkout-bug")

        world.add(worlds.session("checkout-bug"))
        await expect(shown.get_by_role("status")).to_have_text("clean")
        await expect(shown).to_contain_text("shop, subscriber copy")
        await expect(shown).to_contain_text("ticket 4711: total is wrong")
        await expect(shown).to_contain_text("9 of 61 columns")
        status = page.get_by_role("button", name="devinprod: checkout-bug")
        await expect(status).to_have_text("devinprod: checkout-bug clean")

        world.held["checkout-bug"] = dirty(worlds)
        await expect(shown.get_by_role("status")).to_have_text("dirty")
        await expect(status).to_have_text("devinprod: checkout-bug 5 changes")
        changes = shown.get_by_role("region", name="Changes")
        await expect(changes.get_by_role("row", name="payments")).to_contain_text("+1~2−0")
        await expect(changes).to_contain_text("mail.outgoing_messages")
        await expect(changes).to_contain_text("truncated")
        people = shown.get_by_role("meter", name="People")
        await expect(people).to_have_attribute("aria-valuetext", "412 of 500 today")
        await expect(shown.get_by_role("region", name="Budget")).to_contain_text("nearly used up")

        world.held["checkout-bug"] |= {"state": "lost", "lost_reason": "The database restarted."}
        await expect(shown.get_by_role("status")).to_have_text("lost")
        await expect(shown).to_contain_text("The database restarted.")
        await expect(status).to_have_text("devinprod: checkout-bug lost")


async def test_the_first_session_opens_the_sidebar_and_leaves_the_keyboard_alone(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    async with open_lab(server) as page:
        async with page.expect_response("**/devinprod/api/overview*"):
            pass
        await expect(panel(page)).to_be_hidden()
        await page.evaluate("document.querySelector('.jp-FileBrowser input, .jp-DirListing').focus()")
        before = await page.evaluate("document.activeElement.className")
        world.add(worlds.session("checkout-bug"))
        await expect(panel(page)).to_be_visible()
        assert await page.evaluate("document.activeElement.className") == before


async def test_statements_open_into_what_was_asked_and_run(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    world.add(dirty(worlds), story(worlds))
    async with open_lab(server) as page:
        shown = await show(page)
        statements = shown.get_by_role("region", name="Statements")
        lines = statements.locator("ol > li")
        await expect(lines).to_have_count(4)
        await expect(lines.nth(0)).to_contain_text("UPDATE payments")
        await expect(lines.nth(1)).to_contain_text("refused")
        await expect(lines.nth(2)).to_contain_text("22P02")
        await expect(lines.nth(3)).to_contain_text("1,204 rows")

        line = lines.nth(3).get_by_role("button")
        await expect(line).to_have_attribute("aria-expanded", "false")
        await line.press("Enter")
        await expect(line).to_have_attribute("aria-expanded", "true")
        await expect(lines.nth(3)).to_contain_text("SELECT * FROM customers WHERE id = $1")
        await expect(lines.nth(3)).to_contain_text("mask(email) AS email")
        await expect(lines.nth(3)).to_contain_text("public.customers.name")

        await lines.nth(1).get_by_role("button").click()
        await expect(lines.nth(1)).to_contain_text("Nothing was sent to the database.")

        # A new statement comes on top, what is open stays open, a running one ends in its place.
        world.ran["checkout-bug"].append(
            worlds.statement(
                5, "SELECT count(*) FROM orders", table="orders", running=True, rows=None, ms=None
            )
        )
        newest = lines.first
        await expect(newest).to_contain_text("running")
        await expect(lines.nth(4).get_by_role("button")).to_have_attribute("aria-expanded", "true")
        world.ran["checkout-bug"][-1] |= {"running": False, "rows": 1, "ms": 3.4}
        await expect(newest).to_contain_text("1 row")


async def test_what_came_from_production_is_text(server: Any, open_lab: Any, world: Any, worlds: Any) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    world.add(dirty(worlds, reason=hostile), [worlds.statement(1, f"SELECT '{hostile}'", table=hostile)])
    async with open_lab(server) as page:
        shown = await show(page)
        await shown.get_by_role("button", name="SELECT <img").click()
        await expect(shown.get_by_text(hostile).first).to_be_visible()
        assert await shown.locator("img").count() == 0


async def test_reset_and_end_ask_first(server: Any, open_lab: Any, world: Any, worlds: Any) -> None:
    world.add(dirty(worlds), story(worlds))
    async with open_lab(server) as page:
        shown = await show(page)
        await shown.get_by_role("button", name="Reset").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Reset checkout-bug?")
        await expect(dialog).to_contain_text("Its 5 changes are dropped.")
        await page.keyboard.press("Enter")  # the button that does nothing has the keyboard
        await expect(dialog).to_be_hidden()
        assert world.held["checkout-bug"]["change_count"] == 5

        await shown.get_by_role("button", name="Reset").click()
        await dialog.get_by_role("button", name="Reset").click()
        await expect(shown.get_by_role("status")).to_have_text("clean")
        await expect(page.get_by_text("checkout-bug begins anew, after 12 ms.")).to_be_visible()

        await shown.get_by_role("button", name="End", exact=True).click()
        await expect(dialog).to_contain_text("It has no changes. 1 client is disconnected.")
        await dialog.get_by_role("button", name="End").click()
        await expect(shown).to_contain_text("No session yet.")
        assert world.held == {}


async def test_one_switches_among_ones_own_sessions(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    world.add(worlds.session("checkout-bug", idle_s=3.0), story(worlds))
    world.add(
        worlds.session("ticket-4712", idle_s=400.0), [worlds.statement(9, "SELECT 9 FROM it", table="it")]
    )
    async with open_lab(server) as page:
        shown = await show(page)
        switch = shown.get_by_role("combobox", name="Session shown")
        await expect(switch).to_have_value("checkout-bug")
        await switch.select_option("ticket-4712")
        await expect(shown).to_contain_text("SELECT it")
        await expect(shown).not_to_contain_text("UPDATE payments")
        await expect(page.get_by_role("button", name="devinprod: ticket-4712")).to_be_visible()
        del world.held["ticket-4712"]
        await expect(shown).to_contain_text("UPDATE payments")


async def test_it_is_live_while_the_kernel_is_busy_and_when_it_is_dead(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    world.add(worlds.session("checkout-bug"))
    async with open_lab(server) as page:
        shown = await show(page)
        await page.evaluate(
            """async () => {
              const manager = window.jupyterapp.serviceManager.kernels;
              await manager.ready;
              window.kernel = await manager.startNew({ name: 'python3' });
              await window.kernel.info;
              window.kernel.requestExecute({ code: 'import threading; threading.Event().wait()' })
                .done.catch(() => undefined);
            }"""
        )
        await page.wait_for_function("window.kernel.status === 'busy'")
        world.held["checkout-bug"] = dirty(worlds)
        await expect(shown.get_by_role("status")).to_have_text("dirty")
        await page.evaluate("window.kernel.shutdown()")
        world.held["checkout-bug"] |= {"state": "clean", "changes": [], "change_count": 0}
        await expect(shown.get_by_role("status")).to_have_text("clean")


async def test_a_silent_proxy_is_said_and_found_again(
    server: Any, open_lab: Any, worlds: Any, users_file: Path, port: int
) -> None:
    control = worlds.WorldsInMemory(users_file)
    control.add(dirty(worlds))
    async with open_lab(server) as page:
        async with control.serve(port):
            shown = await show(page)
            await expect(shown).to_contain_text("payments")
        await expect(shown).to_contain_text("The proxy does not answer.")
        await expect(shown).to_contain_text("What stands below is from ")
        await expect(page.get_by_role("button", name="devinprod: checkout-bug")).to_contain_text("no answer")
        async with control.serve(port):
            await page.evaluate("window.jupyterapp.commands.execute('devinprod:refresh')")
            await expect(shown).not_to_contain_text("The proxy does not answer.")


async def test_the_layout_and_the_palette_know_it(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    world.add(worlds.session("checkout-bug"))
    async with open_lab(server) as page:
        await page.evaluate("window.jupyterapp.commands.execute('apputils:activate-command-palette')")
        palette = page.get_by_role("dialog").or_(page.locator(".jp-ModalCommandPalette"))
        await palette.get_by_role("searchbox").or_(palette.locator("input")).first.fill("devinprod session")
        async with page.expect_request(
            lambda request: request.method == "PUT" and "/api/workspaces/" in request.url
        ):
            await page.get_by_text("Show Session Sidebar").first.click()
        await expect(panel(page)).to_be_visible()
        await page.reload()
        await expect(panel(page)).to_be_visible()


async def test_no_credential_of_the_proxy_reaches_the_browser(
    server: Any, open_lab: Any, world: Any, worlds: Any, token: str
) -> None:
    world.add(dirty(worlds), story(worlds))
    async with open_lab(server) as page:
        bodies: list[str] = []

        async def keep(response: Any) -> None:
            bodies.append(await response.text())

        page.on("response", keep)
        shown = await show(page)
        await expect(shown).to_contain_text("UPDATE payments")
        page.remove_listener("response", keep)
        assert any("UPDATE payments" in body for body in bodies)
        html = await page.content()
        assert all(token not in text for text in [*bodies, html])


async def test_it_asks_nothing_while_the_page_is_hidden(
    server: Any, open_lab: Any, world: Any, worlds: Any
) -> None:
    world.add(worlds.session("checkout-bug"))
    async with open_lab(server) as page:
        shown = await show(page)
        await expect(shown.get_by_role("status")).to_have_text("clean")
        await page.clock.install()
        for _ in range(2):  # from the second look on, the page's clock is the test's
            async with page.expect_response("**/devinprod/api/overview*"):
                pass
        await page.evaluate(VISIBILITY, "hidden")
        await minutes_pass(page)  # a look under way may end, and one more may follow
        before = len(world.asked)
        await minutes_pass(page)
        assert len(world.asked) == before

        world.held["checkout-bug"] = dirty(worlds)
        await page.evaluate(VISIBILITY, "visible")
        await page.clock.run_for(1_000)
        await expect(shown.get_by_role("status")).to_have_text("dirty")


async def minutes_pass(page: Page) -> None:
    """Let the page's timers run, and what they ask for be answered, a few times."""
    for _ in range(4):
        await page.clock.run_for(30_000)
        await page.evaluate("fetch('/api/status').then(response => response.text())")


# What the browser tells a page whose tab is covered by another.
VISIBILITY = """state => {
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
async def test_it_reads_well_at_260_pixels(
    server: Any, open_lab: Any, world: Any, worlds: Any, screenshots: Path, theme: str
) -> None:
    world.add(dirty(worlds), story(worlds))
    world.add(worlds.session("ticket-4712", idle_s=400.0))
    async with open_lab(server) as page:
        await page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        await page.wait_for_selector(f'body[data-jp-theme-name="{theme}"]', state="attached")
        shown = await show(page)
        await expect(shown).to_contain_text("UPDATE payments")
        box = await shown.bounding_box()
        assert box is not None
        assert box["width"] <= 280
        # Nothing is cut off at the side, and the words stand out from what is behind them.
        assert await shown.evaluate("node => node.scrollWidth <= node.clientWidth")
        assert await shown.evaluate(CONTRAST) >= 4.5
        await page.screenshot(path=screenshots / f"sidebar-{theme.split()[-1].lower()}.png")


# The lowest contrast (WCAG) of the text in the sidebar; what is said to be zero (+0) is meant to be faint.
CONTRAST = """root => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const over = (top, under) => {
    const a = top[3] ?? 1;
    return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a));
  };
  const behind = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(channels(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  let lowest = 21;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest('.dp-mod-none, [hidden]')) continue;
    const back = behind(node);
    const text = over(channels(getComputedStyle(node).color), back);
    const [high, low] = [luminance(text), luminance(back)].sort((a, b) => b - a);
    lowest = Math.min(lowest, (high + 0.05) / (low + 0.05));
  }
  return lowest;
}"""
