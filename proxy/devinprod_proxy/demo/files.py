"""Which files does the demo write, and what is in them?

All of them are in one temp folder of mode 0700: configuration, policy, users, mask key, audit, a copy
of the notebooks to work on, and everything that JupyterLab would otherwise leave in the home folder.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from string import Template

from devinprod_proxy.server.users import Users
from devinprod_proxy.session.limits import Limits

USER, PASSWORD, TARGET = "demo", "demo", "shop"  # loopback only, and gone with the demo

#: What --headless multiplies: acceptance runs are not people.
HEADLESS_FACTOR = 1000
_COUNTED = (
    "statements_per_minute",
    "rows_per_minute",
    "bytes_per_minute",
    "subjects_per_day",
    "lookups_per_hour",
    "max_sessions",
)


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything is, below the demo's temp folder."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "devinprod.toml"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.toml"

    @property
    def audit(self) -> Path:
        return self.folder / "audit"

    @property
    def notebooks(self) -> Path:
        return self.folder / "notebooks"

    def log(self, name: str) -> Path:
        """The log file of one of the processes."""
        return self.folder / f"{name}.log"


def notebooks_source() -> Path:
    """The notebooks as they were shipped: in the wheel below this package, in a clone at its top."""
    here = Path(__file__).resolve()
    shipped = here.with_name("notebooks")
    return shipped if shipped.is_dir() else here.parents[3] / "notebooks"


def write_files(folder: Path, *, dsn: str, proxy_port: int, control_port: int, headless: bool) -> Files:
    """Write configuration, policy, key and user; the files that the proxy reads."""
    made = Files(folder)
    text = Template(files("devinprod_proxy.demo").joinpath("devinprod.toml").read_text("utf-8")).substitute(
        proxy_port=proxy_port,
        control_port=control_port,
        dsn=dsn.replace("\\", "\\\\").replace('"', '\\"'),
        limits=_limits() if headless else "",
    )
    _private(made.config, text)
    _private(made.policy, files("devinprod_proxy.demo").joinpath("policy.toml").read_text("utf-8"))
    _private(folder / "mask.key", secrets.token_hex(32) + "\n")
    return made


def add_user(folder: Path) -> str:
    """Make the demo's only user; a token of the control API for it."""
    users = Users.load(folder / "users.toml")
    users.add(USER, PASSWORD)
    return users.issue_token(USER)[0]


def _limits() -> str:
    defaults = Limits()
    known = {field.name for field in fields(Limits)}
    raised = [
        f"{name} = {getattr(defaults, name) * HEADLESS_FACTOR:.0f}" for name in _COUNTED if name in known
    ]
    return "\n".join(["[limits]", *raised])


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def copy_notebooks(made: Files) -> None:
    """A copy of the notebooks and their service, for the developer to edit."""
    shutil.copytree(
        notebooks_source(),
        made.notebooks,
        ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info"),
    )


def jupyter_environment(made: Files, token: str) -> dict[str, str]:
    """The variables that keep all of JupyterLab's and IPython's files in the temp folder.

    Its own token goes by a variable too, since everybody can read a command line.
    """
    jupyter = made.folder / "jupyter"
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "IPYTHONDIR": "ipython",
    }
    for place in places.values():
        (jupyter / place).mkdir(parents=True, exist_ok=True)
    page = jupyter / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir()
    page.write_text(
        json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}})
    )
    return {**{name: str(jupyter / place) for name, place in places.items()}, "JUPYTER_TOKEN": token}


def client_environment(proxy_port: int, control_port: int, token: str) -> dict[str, str]:
    """The variables with which a kernel, ``devinprod`` or a script finds this demo as its user."""
    return {
        "DEVINPROD_PROXY": f"127.0.0.1:{proxy_port}",
        "DEVINPROD_CONTROL": f"http://127.0.0.1:{control_port}",
        "DEVINPROD_USER": USER,
        "DEVINPROD_PASSWORD": PASSWORD,
        "DEVINPROD_TOKEN": token,
        "DEVINPROD_TARGET": TARGET,
    }


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Write the state file (0600: it holds passwords) so that it appears whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        _private(draft, json.dumps(state, indent=2) + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
