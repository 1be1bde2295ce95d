"""Doctor, setup and policy on the demo's real replica: what they print and how they exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from devinprod_proxy.cli import main
from devinprod_proxy.demo.cluster import Cluster


@pytest.fixture
def on(config: Path, cluster: Cluster) -> Callable[[str], list[str]]:
    """The options of a command about the demo's replica, or about whatever a dsn leads to."""
    policy = Path(__file__).parents[3] / "proxy/devinprod_proxy/demo/policy.toml"
    (config.parent / "policy.toml").write_text(policy.read_text())

    def named(dsn: str) -> list[str]:
        config.write_text(config.read_text().replace("host=127.0.0.1 user=devinprod", dsn))
        config.chmod(0o600)
        return ["--config", str(config)]

    return named


def test_doctor(
    on: Callable[[str], list[str]], replica_conninfo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = on(replica_conninfo)
    assert main(["doctor", *named]) == 0
    said = capsys.readouterr().out
    assert said.startswith("target shop: a logical replica, PostgreSQL ")
    assert said.endswith("Nothing blocks.\n")
    assert main(["doctor", "--json", *named]) == 0
    assert json.loads(capsys.readouterr().out)["targets"][0]["target"] == "shop"
    assert main(["doctor", "--target", "nowhere", *named]) == 2


def test_doctor_fails_where_something_blocks(
    on: Callable[[str], list[str]], cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", *on(cluster.primary_dsn)]) == 1
    said = capsys.readouterr()
    assert "BLOCKS  role postgres is a superuser" in said.out
    assert cluster.primary_dsn.partition("password=")[2].split()[0] not in said.out + said.err


def test_setup_is_printed(
    on: Callable[[str], list[str]], replica_conninfo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = on(replica_conninfo)
    assert main(["setup", *named]) == 0
    assert 'ALTER ROLE "devinprod" LOGIN NOSUPERUSER' in capsys.readouterr().out
    assert main(["setup", "--apply", *named]) == 2
    assert "--admin-dsn" in capsys.readouterr().err
    assert main(["setup", "--admin-dsn", "host=127.0.0.1 port=1 user=x", *named]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_setup_before_there_is_a_role(
    on: Callable[[str], list[str]], replica_conninfo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["setup", *on(f"{replica_conninfo} user=not_yet_here")]) == 1
    assert "Before the proxy's role is there: --admin-dsn DSN." in capsys.readouterr().err


def test_policy_check(
    on: Callable[[str], list[str]], replica_conninfo: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = on(replica_conninfo)
    assert main(["policy", "check", "--strict", *named]) == 0
    policy = config.parent / "policy.toml"
    whole = policy.read_text()
    policy.write_text(whole.replace("birthday ", "birth_day "))
    assert main(["policy", "check", *named]) == 1
    assert "columns that public.customers has not: birth_day" in capsys.readouterr().out
    policy.write_text(whole.replace('"public.order_total(bigint)" = "safe"', ""))
    assert main(["policy", "check", *named]) == 0
    assert main(["policy", "check", "--strict", *named]) == 1
    policy.write_text("version = 7\n")
    assert main(["policy", "check", *named]) == 1
    assert "policy.toml:1: version:" in capsys.readouterr().err


def test_policy_explain(
    on: Callable[[str], list[str]], replica_conninfo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = on(replica_conninfo)
    assert main(["policy", "explain", "SELECT name FROM customers WHERE id = 5", *named]) == 0
    said = capsys.readouterr().out
    assert "FROM public.customers __t" in said
    assert "masked: public.customers.name" in said
    support = ["--role", "support"]
    assert main(["policy", "explain", "SELECT name FROM customers", *support, *named]) == 0
    assert "masked: public.customers.email" in capsys.readouterr().out
    assert main(["policy", "explain", "SELECT 1,\n  pg_read_file('x')", *named]) == 1
    said = capsys.readouterr().out
    assert said.startswith("refused: 42501 pg_read_file()")
    assert "\n    pg_read_file('x')\n    ^\n" in said
    assert main(["policy", "explain", "SELEC 1", *named]) == 1
