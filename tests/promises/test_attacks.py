"""Does any statement bring a masked value across, or take effect beyond its session?

One file, one attack. Each is also run on plain PostgreSQL (``test_control``), where it must work: an
attack that never worked would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from corpus import MODES, Mode, leaks, read_case, talk
from devinprod_proxy.demo.cluster import Cluster
from proxies import Proxy

ATTACKS = Path(__file__).parents[1] / "attacks"
REFUSED = sorted((ATTACKS / "refused").glob("*.sql"))
MASKED = sorted((ATTACKS / "masked").glob("*.sql"))


def name(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def secrets(canary_proxy: Proxy, canaries: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What must never arrive: the canaries, and the mask key as text and as bytes."""
    key = (canary_proxy.folder / "mask.key").read_text().strip()
    return (*canaries, key.encode(), bytes.fromhex(key))


@pytest.fixture
def session(canary_proxy: Proxy) -> Iterator[str]:
    """The connection string of one session; what an attack left in it is rolled back afterwards."""
    yield canary_proxy.dsn("attacks")
    canary_proxy.api("POST", "/v1/sessions/attacks/reset")


def test_there_are_enough() -> None:
    assert len(REFUSED) >= 80
    assert len(MASKED) >= 80


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", MASKED, ids=name)
def test_no_byte_of_a_masked_value_arrives(
    path: Path, mode: Mode, session: str, secrets: tuple[bytes, ...]
) -> None:
    case = read_case(path)
    answer = talk(session, case, mode)
    assert leaks(answer, secrets) == []
    if case.header("expect") == "runs":
        assert answer.errors == []
    if mode != "binary" and case.header("answer"):
        assert answer.errors == []
        assert answer.value() == case.header("answer")
    if case.header("tag"):
        assert answer.tag() == case.header("tag"), answer.errors


@pytest.mark.parametrize("mode", ["simple", "extended"])
@pytest.mark.parametrize("path", REFUSED, ids=name)
def test_it_is_refused(path: Path, mode: Mode, session: str, secrets: tuple[bytes, ...]) -> None:
    case = read_case(path)
    answer = talk(session, case, mode)
    assert leaks(answer, secrets) == []
    state = case.header("expect", "refused 42501").removeprefix("refused").strip()
    found = [error for error in answer.errors if error["C"] == state or not state]
    assert found, answer.errors or "it ran"
    assert found[0]["M"]


@pytest.fixture(scope="module")
def analyzed(canary_cluster: Cluster) -> str:
    """A superuser's way to the replica, whose statistics have seen the canaries."""
    with psycopg.connect(canary_cluster.replica_dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return canary_cluster.replica_dsn


@pytest.mark.parametrize("path", [*REFUSED, *MASKED], ids=name)
def test_control(path: Path, analyzed: str, canaries: tuple[bytes, ...]) -> None:
    case = read_case(path)
    default = "runs" if path in REFUSED else "leaks"
    if case.header("answer") or case.header("tag"):
        default = "answers"
    control = case.header("control", default)
    if control.startswith("none: "):
        return
    answer = talk(analyzed, case, inside=True)
    if control == "leaks":
        assert leaks(answer, canaries), answer.errors
    elif control == "answers":
        if case.header("tag"):
            assert answer.tag() != case.header("tag")
        else:
            assert answer.errors or answer.value() != case.header("answer")
    else:
        assert control == "runs"
        assert answer.errors == []
