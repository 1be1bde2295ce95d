"""The real databases that tests run on. All are session-wide: leave them as you found them.

``cluster`` is the demo's shop with few customers, ``canary_cluster`` the same with a canary in every
masked value, ``make_cluster`` starts others. All of them are superusers' views of the databases;
``replica_conninfo`` is what the proxy logs in with.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE, shop_cluster
from proxies import Proxy

CUSTOMERS = 300


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A primary and a writable replica with the demo's shop: 300 customers, 1,800 orders."""
    with shop_cluster(CUSTOMERS) as started:
        yield started


@pytest.fixture(scope="session")
def canary_cluster() -> Iterator[Cluster]:
    """The same shop, but every masked value carries one of ``canaries``."""

    def plant(connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute(Path(__file__).with_name("canary.sql").read_bytes())

    with shop_cluster(CUSTOMERS, after=plant) as started:
        yield started


@pytest.fixture(scope="session")
def canaries() -> tuple[bytes, ...]:
    """What every masked value of ``canary_cluster`` contains, and no mask can produce."""
    return (b"cnry", b"813813813", b"1871-")


@pytest.fixture(scope="session")
def replica_conninfo(cluster: Cluster) -> str:
    """The connection string with which a proxy logs in to the replica of ``cluster``."""
    return cluster.dsn("replica", PROXY_ROLE)


@pytest.fixture(scope="session")
def make_cluster() -> Iterator[Callable[..., Cluster]]:
    """Starts clusters with a schema of the test's own; they stop with the session.

    ``make_cluster("CREATE TABLE t (...)", logins=["devinprod"])`` takes about one second; without a
    replica (``with_replica=False``) half of that.
    """
    with ExitStack() as running:

        def start(fill: Any = None, **options: Any) -> Cluster:
            return running.enter_context(Cluster(fill, **options))

        yield start


SHOP_POLICY = Path(__file__).parents[1] / "proxy" / "devinprod_proxy" / "demo" / "policy.toml"


@pytest.fixture(scope="session")
def shop_proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy in front of the replica of ``cluster``, with the demo's policy and wide limits."""
    proxy = Proxy(tmp_path_factory.mktemp("shop-proxy"), cluster.dsn("replica", PROXY_ROLE), SHOP_POLICY)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def canary_proxy(canary_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The same in front of ``canary_cluster``."""
    proxy = Proxy(
        tmp_path_factory.mktemp("canary-proxy"), canary_cluster.dsn("replica", PROXY_ROLE), SHOP_POLICY
    )
    yield proxy
    proxy.stop()


@pytest.fixture
def make_proxy(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Starts proxies with options of the test's own (see Proxy) in front of ``cluster``."""
    started: list[Proxy] = []

    def start(**options: Any) -> Proxy:
        options.setdefault("dsn", cluster.dsn("replica", PROXY_ROLE))
        options.setdefault("policy", SHOP_POLICY)
        started.append(Proxy(tmp_path / f"proxy{len(started)}", **options))
        return started[-1]

    yield start
    for proxy in started:
        proxy.stop()


def _beside(path: str) -> ModuleType:
    """A helper module of the tests, which are no package."""
    file = Path(__file__).with_name(path)
    name = f"devinprod_tests_{file.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`devinprod demo --headless` with 300 customers, one for the whole run."""
    with _beside("running_demo.py").running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
