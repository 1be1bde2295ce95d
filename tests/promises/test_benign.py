"""Does ordinary software work in a session: ORMs, drivers, psql, pools, services, reports, migrations?

One file, one thing that somebody's software really sends. Each runs on plain PostgreSQL too, and must
have the same columns, command tags and numbers of rows here, and with ``-- same: rows`` the same values.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from corpus import Answer, Mode, leaks, read_case, talk
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from proxies import Proxy

BENIGN = sorted((Path(__file__).parents[1] / "benign").glob("*.sql"))
_sessions = itertools.count(1)


def name(path: Path) -> str:
    return path.stem


def shape(answer: Answer) -> list[object]:
    """What must be the same: per statement its error's code or its columns, tag and number of rows."""
    return [step.sqlstate or (step.columns, step.tag, len(step.rows)) for step in answer.steps]


def test_there_are_enough() -> None:
    assert len(BENIGN) >= 110


@pytest.fixture(scope="module")
def plain(canary_cluster: Cluster) -> dict[str, Answer]:
    """What plain PostgreSQL answered, so that it is asked once for all modes."""
    return {}


@pytest.mark.parametrize("mode", ["simple", "extended"])
@pytest.mark.parametrize("path", BENIGN, ids=name)
def test_it_works_as_on_postgresql(
    path: Path,
    mode: Mode,
    canary_proxy: Proxy,
    canary_cluster: Cluster,
    canaries: tuple[bytes, ...],
    plain: dict[str, Answer],
) -> None:
    case = read_case(path)
    session = f"benign{next(_sessions)}"
    answer = talk(canary_proxy.dsn(session), case, mode)
    canary_proxy.api("DELETE", f"/v1/sessions/{session}")
    assert leaks(answer, canaries) == []
    if case.header("same").startswith("none: "):
        assert answer.errors == []
        return
    if path.stem not in plain:
        plain[path.stem] = talk(canary_cluster.dsn("replica", PROXY_ROLE), case)
    expected = plain[path.stem]
    assert shape(answer) == shape(expected), answer.errors
    if case.header("same") == "rows":
        assert [step.rows for step in answer.steps] == [step.rows for step in expected.steps]
