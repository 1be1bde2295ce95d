"""Does ordinary software work in a session: ORMs, drivers, psql, pools, services, reports, migrations?

One file, one thing that somebody's software really sends. Each runs on plain PostgreSQL too, and must
have the same columns, command tags and numbers of rows here, and with ``-- same: rows`` the same values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import Answer, Mode, leaks, read_case, talk
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from proxies import Proxy

BENIGN = sorted((Path(__file__).parents[1] / "benign").glob("*.sql"))


def name(path: Path) -> str:
    return path.stem


def shape(answer: Answer) -> list[object]:
    """What must be the same: per statement its error's code or its columns, tag and number of rows."""
    return [step.sqlstate or (step.columns, step.tag, len(step.rows)) for step in answer.steps]


def test_there_are_enough() -> None:
    assert len(BENIGN) >= 110


@pytest.fixture(scope="module")
def secrets(canary_proxy: Proxy, canaries: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What must never arrive: the canaries, and the mask key as text and as bytes."""
    key = (canary_proxy.folder / "mask.key").read_text().strip()
    return (*canaries, key.encode(), bytes.fromhex(key))


@pytest.fixture
def session(canary_proxy: Proxy) -> Iterator[str]:
    """The connection string of one session; what a case left in it is rolled back afterwards."""
    yield canary_proxy.dsn("benign")
    canary_proxy.api("POST", "/v1/sessions/benign/reset")


@pytest.fixture(scope="module")
def plain(canary_cluster: Cluster) -> dict[str, Answer]:
    """What plain PostgreSQL answered, so that it is asked once for all modes."""
    return {}


@pytest.mark.parametrize("mode", ["simple", "extended"])
@pytest.mark.parametrize("path", BENIGN, ids=name)
def test_it_works_as_on_postgresql(
    path: Path,
    mode: Mode,
    session: str,
    canary_cluster: Cluster,
    secrets: tuple[bytes, ...],
    plain: dict[str, Answer],
) -> None:
    case = read_case(path)
    answer = talk(session, case, mode)
    assert leaks(answer, secrets) == []
    if case.header("same").startswith("none: "):
        assert answer.errors == []
        return
    if path.stem not in plain:
        plain[path.stem] = talk(canary_cluster.dsn("replica", PROXY_ROLE), case)
    expected = plain[path.stem]
    assert shape(answer) == shape(expected), answer.errors
    if case.header("same") == "rows":
        assert [step.rows for step in answer.steps] == [step.rows for step in expected.steps]
