"""The Jupyter Server extension, asked over HTTP: a real Jupyter server in front of a control API."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from devinprod_jupyter.server_extension import current_session


def _beside(path: str) -> ModuleType:
    """A helper module of the tests, which are no package."""
    file = Path(__file__).parent / path
    spec = importlib.util.spec_from_file_location(f"devinprod_tests_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


lab = _beside("../browser/lab.py")
worlds = _beside("worlds_in_memory.py")
session, statement = worlds.session, worlds.statement


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Any]:
    """A control API with two sessions of the developer's."""
    world = worlds.WorldsInMemory(tmp_path / "users.toml")
    world.add(session("checkout-bug", idle_s=2.0), [statement(1, "SELECT 1"), statement(2, "SELECT 2")])
    world.add(session("older", idle_s=300.0), [statement(3, "SELECT 3")])
    async with world.serve():
        yield world


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Jupyter server whose environment names no proxy: tests log it in and out by the file."""
    with lab.running_lab(tmp_path_factory.mktemp("jupyter"), app="server") as server:
        yield server


@pytest.fixture
def store(jupyter: Any) -> Iterator[Callable[[str], object]]:
    """Write what `devinprod login` stores for that Jupyter server; it is removed after the test."""
    file: Path = jupyter.folder.parent / "home/.config/devinprod/credentials.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    yield file.write_text
    file.unlink(missing_ok=True)


@pytest.fixture
async def client(jupyter: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Asks that Jupyter server with its own token."""
    async with _client(jupyter) as asking:
        yield asking


@pytest.fixture
def logged_in(store: Callable[[str], object], control: Any) -> Any:
    """That control API, with the Jupyter server logged in there."""
    store(_login(control.url, token=control.token))
    return control


def _client(server: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{server.url}devinprod/api/",
        headers={"Authorization": f"token {server.token}"},
        timeout=20,
        trust_env=False,
    )


def _login(control: str, **keys: str) -> str:
    return "".join(f'{key} = "{value}"\n' for key, value in {"control": control, **keys}.items())


async def test_overview_shows_the_session_used_last_and_its_statements(
    client: httpx.AsyncClient, logged_in: Any
) -> None:
    overview = (await client.get("overview")).json()
    assert [one["name"] for one in overview["sessions"]] == ["checkout-bug", "older"]
    assert overview["current"] == "checkout-bug"
    assert [one["id"] for one in overview["statements"]] == ["s1", "s2"]
    assert overview["problem"] is None

    chosen = (await client.get("overview", params={"chosen": "older", "after": "s1"})).json()
    assert chosen["current"] == "older"
    assert [one["id"] for one in chosen["statements"]] == ["s3"]

    more = (await client.get("overview", params={"shown": "checkout-bug", "after": "s1"})).json()
    assert [one["id"] for one in more["statements"]] == ["s2"]


async def test_each_route_answers_what_the_proxy_says(client: httpx.AsyncClient, logged_in: Any) -> None:
    logged_in.held["checkout-bug"] |= {"state": "dirty", "change_count": 5, "statements": 41}
    assert (await client.get("sessions")).json()["current"] == "checkout-bug"
    assert (await client.get("sessions/checkout-bug")).json() == logged_in.held["checkout-bug"]
    assert (await client.get("sessions/checkout-bug/limits")).json()["people"]["limit"] == 500
    assert (await client.get("sessions/checkout-bug/changes")).json()["exact"] is True
    after = await client.get("sessions/checkout-bug/statements", params={"after": "s1"})
    assert [one["id"] for one in after.json()["statements"]] == ["s2"]
    assert after.headers["cache-control"] == "no-store"

    reset = (await client.post("sessions/checkout-bug/reset")).json()
    assert reset["lost"]["rows"] == 5
    assert logged_in.held["checkout-bug"]["state"] == "clean"

    assert (await client.post("sessions/checkout-bug/end")).json()["statements"] == 41
    assert "checkout-bug" not in logged_in.held


async def test_the_proxys_refusal_comes_through_in_its_words(
    client: httpx.AsyncClient, logged_in: Any
) -> None:
    answer = await client.post("sessions/nobody/reset")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "refused",
        "message": "there is no session nobody",
        "hint": "devinprod session list shows yours.",
        "sqlstate": "3D000",
    }
    # A name that is none never reaches the proxy.
    asked = len(logged_in.asked)
    assert (await client.get("sessions/..%2Flimits")).status_code == 404
    assert len(logged_in.asked) == asked


async def test_without_jupyters_own_login_nothing_is_answered(
    client: httpx.AsyncClient, logged_in: Any
) -> None:
    for method, path in [("GET", "overview"), ("GET", "sessions"), ("POST", "sessions/older/end")]:
        answer = await client.request(method, path, headers={"Authorization": "token wrong"})
        assert answer.status_code == 403, path
    assert logged_in.asked == []
    assert "older" in logged_in.held


async def test_a_page_of_another_site_cannot_end_a_session(jupyter: Any, logged_in: Any) -> None:
    # A browser sends the login's cookie along, but not the token that only JupyterLab's pages know.
    async with httpx.AsyncClient(base_url=jupyter.url, trust_env=False, timeout=20) as browser:
        await browser.get("tree", params={"token": jupyter.token})
        assert (await browser.get("devinprod/api/sessions")).status_code == 200
        answer = await browser.post(
            "devinprod/api/sessions/older/end", headers={"Origin": "https://elsewhere.example"}
        )
        assert answer.status_code in (403, 404)
    assert "older" in logged_in.held


async def test_the_credential_goes_to_the_proxy_and_nowhere_else(
    client: httpx.AsyncClient, control: Any, store: Callable[[str], object]
) -> None:
    token = control.token
    store(_login(control.url, token=token, user=worlds.USER, password=worlds.PASSWORD))
    answers = [await client.get(path) for path in ("overview", "sessions", "sessions/older", "sessions/no")]
    assert {user for _, user in control.asked} == {worlds.USER}
    for answer in answers:
        assert token not in answer.text + str(answer.headers)
        assert worlds.PASSWORD not in answer.text + str(answer.headers)


async def test_no_credential_is_said_with_the_next_step(client: httpx.AsyncClient) -> None:
    overview = await client.get("overview")
    assert overview.status_code == 200
    problem = overview.json()["problem"]
    assert problem["code"] == "no_credential"
    assert "devinprod login" in problem["hint"]
    plain = await client.get("sessions")
    assert plain.status_code == 503
    assert plain.json()["error"] == problem


async def test_a_login_while_jupyter_runs_is_seen(
    client: httpx.AsyncClient, control: Any, store: Callable[[str], object]
) -> None:
    assert (await client.get("overview")).json()["problem"]["code"] == "no_credential"
    store(_login(control.url, token=control.token))
    assert (await client.get("overview")).json()["current"] == "checkout-bug"
    store('token = "the-secret" broken')
    answer = await client.get("overview")
    assert answer.json()["problem"]["code"] == "no_credential"
    assert "the-secret" not in answer.text


async def test_a_token_that_ran_out_is_renewed_with_the_password(
    client: httpx.AsyncClient, control: Any, store: Callable[[str], object]
) -> None:
    ran_out = control.users.issue_token(worlds.USER, seconds=-1)[0]
    store(_login(control.url, token=ran_out, user=worlds.USER, password=worlds.PASSWORD))
    assert (await client.get("sessions")).json()["current"] == "checkout-bug"
    # A changed password ends the token that was got with the old one.
    control.users.add(worlds.USER, "another")
    assert (await client.get("sessions")).json()["error"]["code"] == "login_refused"
    store(_login(control.url, token=ran_out, user=worlds.USER, password="another"))
    assert (await client.get("sessions")).json()["current"] == "checkout-bug"


async def test_a_refused_password_is_not_tried_with_every_poll(
    client: httpx.AsyncClient, control: Any, store: Callable[[str], object]
) -> None:
    store(_login(control.url, user=worlds.USER, password="wrong"))
    for _ in range(5):
        answer = await client.get("overview")
        assert answer.json()["problem"]["code"] == "login_refused"
    assert control.failed_logins == [worlds.USER]


async def test_a_refused_token_is_not_a_refused_jupyter_login(
    client: httpx.AsyncClient, control: Any, store: Callable[[str], object]
) -> None:
    store(_login(control.url, token="of.another.proxy"))
    answer = await client.get("sessions")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "login_refused"
    assert "devinprod login" in answer.json()["error"]["hint"]


async def test_a_proxy_that_comes_back_is_found_again(
    client: httpx.AsyncClient, store: Callable[[str], object], tmp_path: Path
) -> None:
    world = worlds.WorldsInMemory(tmp_path / "users.toml")
    async with world.serve():
        port = int(world.url.rpartition(":")[2])
    store(_login(world.url, token=world.token))
    problem = (await client.get("overview")).json()["problem"]
    assert problem["code"] == "unreachable"
    assert str(port) not in problem["message"] + problem["hint"]
    assert (await client.post("sessions/x/reset")).status_code == 503
    async with world.serve(port):
        assert (await client.get("overview")).json()["problem"] is None


async def test_something_else_at_the_address_is_said(
    client: httpx.AsyncClient, jupyter: Any, store: Callable[[str], object]
) -> None:
    store(_login(jupyter.url, token="of-something-else"))
    assert (await client.get("overview")).json()["problem"]["code"] == "not_the_proxy"


async def test_the_environment_comes_before_the_stored_login(tmp_path: Path, control: Any) -> None:
    file = tmp_path / "jupyter/home/.config/devinprod/credentials.toml"
    file.parent.mkdir(parents=True)
    file.write_text(_login("http://127.0.0.1:9", token="of-another-proxy"))
    with lab.running_lab(
        tmp_path / "jupyter",
        env={"DEVINPROD_CONTROL": control.url, "DEVINPROD_TOKEN": control.token},
        app="server",
    ) as server:
        async with _client(server) as client:
            assert (await client.get("overview")).json()["current"] == "checkout-bug"


def test_lost_sessions_are_shown_last() -> None:
    sessions = [session("gone", state="lost", idle_s=0.0), session("alive", idle_s=900.0)]
    assert current_session(sessions) == "alive"
    assert current_session(sessions, shown="gone") == "alive"
    assert current_session(sessions, chosen="gone") == "gone"
    assert current_session(sessions[:1]) == "gone"
    assert current_session([]) is None
