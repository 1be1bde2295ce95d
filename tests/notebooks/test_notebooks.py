"""The notebooks run top to bottom under nbval, against a running demo: they hold their own assertions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
from devinprod_proxy.config import Limits

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ALL = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
SECONDS = 110


def test_they_are_all_here() -> None:
    assert set(ALL) >= {"tour", "nothing_commits", "masking", "audit", "service_code"}


def end_sessions(demo: Any) -> None:
    """What other tests' sessions have changed they keep locked, and the notebooks want to TRUNCATE it."""
    head = {"Authorization": f"Bearer {demo.env['DEVINPROD_TOKEN']}"}
    with httpx.Client(base_url=demo.env["DEVINPROD_CONTROL"], headers=head) as control:
        for session in control.get("/v1/sessions").json()["sessions"]:
            control.delete(f"/v1/sessions/{session['name']}").raise_for_status()


@pytest.mark.parametrize("name", ALL)
def test_it_runs(name: str, demo: Any, tmp_path: Path) -> None:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DEVINPROD_", "PG", "JUPYTER", "JPY"))
    }
    end_sessions(demo)
    own = {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    before = people(demo)
    command = [
        sys.executable, "-m", "pytest", "-p", "nbval", "-p", "no:cacheprovider", "--override-ini", "addopts=",
        "--override-ini", "filterwarnings=", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=60",
        "-q", "--color=no", str(NOTEBOOKS / f"{name}.ipynb"),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env={**inherited, **own, **demo.env},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # This demo's limits are wide, those of `make demo` are not, and one day has room for all notebooks.
    assert people(demo) - before <= Limits().subjects_per_day * 0.6


def people(demo: Any) -> int:
    """How many people the demo's user has looked at today."""
    request = urllib.request.Request(
        f"{demo.env['DEVINPROD_CONTROL']}/v1/sessions",
        data=b'{"name": "counting"}',
        headers={
            "Authorization": f"Bearer {demo.env['DEVINPROD_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(json.load(answer)["limits"]["people"]["used"])


@pytest.mark.parametrize("name", ALL)
def test_it_is_stored_clean(name: str) -> None:
    """No outputs, no addresses, no execution counts: nothing of whoever ran it last."""
    for cell in json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
