"""Does the proxy read what the launcher writes, and does the state file appear whole and private?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from devinprod_proxy.config import load_config
from devinprod_proxy.conninfo import resolve
from devinprod_proxy.demo import files
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.server.users import Users
from devinprod_proxy.session.limits import Limits

DSN = "host=127.0.0.1 port=5433 dbname=shop user=devinprod password='a\\'b\"c\\\\d'"


@pytest.mark.parametrize("headless", [False, True])
def test_the_configuration_is_one(tmp_path: Path, headless: bool) -> None:
    made = files.write_files(tmp_path, dsn=DSN, proxy_port=6543, control_port=6544, headless=headless)
    config = load_config(made.config)
    target = config.targets[files.TARGET]
    assert target.dsn == DSN
    assert target.mask_key.read()
    assert config.proxy.audit == made.audit
    load_policy(target.policy.read_text(), str(target.policy))
    factor = 1000 if headless else 1
    assert config.limits.subjects_per_day == Limits().subjects_per_day * factor
    assert config.limits.bytes_per_minute == Limits().bytes_per_minute * factor
    assert config.limits.idle == Limits().idle
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077] == []


def test_the_password_arrives_as_it_is(tmp_path: Path) -> None:
    made = files.write_files(tmp_path, dsn=DSN, proxy_port=1, control_port=2, headless=True)
    assert resolve(load_config(made.config).targets["shop"].dsn)["password"] == "a'b\"c\\d"


def test_the_demo_user_can_log_in(tmp_path: Path) -> None:
    token = files.add_user(tmp_path)
    users = Users.load(tmp_path / "users.toml")
    assert users.check_password(files.USER, files.PASSWORD)
    assert users.check_token(token) == files.USER
    assert users.role(files.USER) == "developer"


def test_the_state_file_is_private_and_replaces_another(tmp_path: Path) -> None:
    state = tmp_path / "f.json"
    state.write_text("{")
    files.write_state(state, {"pid": 1})
    assert json.loads(state.read_text()) == {"pid": 1}
    assert state.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [state]


def test_jupyter_keeps_its_files_in_the_folder(tmp_path: Path) -> None:
    made = files.Files(tmp_path)
    for name, value in files.jupyter_environment(made, "secret").items():
        assert name == "JUPYTER_TOKEN" or Path(value).is_dir()
        assert value == "secret" or tmp_path in Path(value).parents


def test_the_copy_of_the_notebooks_is_the_developers(tmp_path: Path) -> None:
    made = files.Files(tmp_path)
    files.copy_notebooks(made)
    assert (made.notebooks / "shop_service" / "pricing.py").is_file()
    assert not list(made.notebooks.rglob("__pycache__"))
