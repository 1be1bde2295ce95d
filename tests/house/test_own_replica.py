"""Does "step by step" of proxy/README.md lead a stranger to a masked row?  Every command of it is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE, fill_shop
from house.sources import ROOT
from proxies import until

PAGE = (ROOT / "proxy" / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def own(make_cluster: Callable[..., Cluster]) -> Cluster:
    """Somebody's primary and logical replica, on which nobody has set up anything."""
    return make_cluster(lambda connection: fill_shop(connection, 200), logins=["shop_service", PROXY_ROLE])


def located(text: str, cluster: Cluster) -> str:
    """The page's addresses, made to lead to the replica at hand; ports that are free."""
    admin = cluster.dsn("replica")
    port = psycopg.conninfo.conninfo_to_dict(admin)["port"]
    text = text.replace("host=replica.example port=5432 dbname=shop user=postgres", admin)
    text = text.replace("host=replica.example port=5432", f"host=127.0.0.1 port={port}")
    return re.sub(r'"127\.0\.0\.1:654\d"', '"127.0.0.1:0"', text)


def test_step_by_step(own: Cluster, tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said: dict[str, str] = {}
    for fence, body in FENCE.findall(PAGE):
        language, _, what = fence.partition(" ")
        if language == "toml" and what:
            (tmp_path / what).write_text(located(body, own))
        if (language, what) != ("console", "walk"):
            continue
        for line in body.splitlines():
            command = line.removeprefix("$ ")
            if command.startswith("devinprod doctor"):  # "Give the role its password"
                with psycopg.connect(own.dsn("replica"), autocommit=True) as admin:
                    admin.execute("ALTER ROLE devinprod PASSWORD 'change-me'")
            done = subprocess.run(
                ["/bin/sh", "-c", located(command, own)],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            said[command] = done.stdout
    assert len(said) >= 9
    password = said["devinprod user add alice --config devinprod.toml"].strip()

    log = tmp_path / "proxy.log"
    with log.open("wb") as file:
        proxy = subprocess.Popen(
            ["devinprod", "proxy", "--config", "devinprod.toml"],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        listening = until(lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text()), 30)
        with psycopg.connect(
            host="127.0.0.1",
            port=int(listening[1]),
            user="alice/checkout-bug",
            password=password,
            dbname="shop",
            autocommit=True,
        ) as alice:
            row = alice.execute("SELECT email, phone, notes FROM customers WHERE id = 11").fetchone()
            with psycopg.connect(own.dsn("replica")) as admin:
                real = admin.execute("SELECT email, phone, notes FROM customers WHERE id = 11").fetchone()
            assert row is not None
            assert real is not None
            assert row[0].endswith("@example.com")
            assert not set(row) & {value for value in real if value is not None}
            alice.execute("DELETE FROM emails")
    finally:
        proxy.terminate()
        assert proxy.wait(20) == 0, log.read_text()
    with psycopg.connect(own.dsn("replica")) as admin:
        assert admin.execute("SELECT count(*) > 0 FROM emails").fetchone() == (True,)
