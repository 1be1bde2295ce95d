"""Is what ships what was tested?  The wheel is built, looked through, and used with the sources out of reach."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from house.sources import JUPYTER, PROXY, ROOT, imports, modules, repository_files

UV = Path(sys.executable).with_name("uv")
LAB = "data/share/jupyter/labextensions/@devinprod/labextension/"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [str(word) for word in words], capture_output=True, text=True, timeout=120, **options
    )


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(UV, "build", "-q", "--no-build-isolation", "--python", sys.executable, "-o", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    """What is in the wheel; shared data without its prefix."""
    with zipfile.ZipFile(wheel) as archive:
        return [name.removeprefix(f"devinprod-{VERSION}.data/") for name in archive.namelist()]


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    installed = run(UV, "pip", "install", "-q", "--no-deps", "--python", folder / "bin" / "python", wheel)
    assert installed.returncode == 0, installed.stderr
    return folder


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the packages of this environment behind it, but not the sources of devinprod."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    done = run(UV, "pip", "install", "-q", "--no-deps", "--python", folder / "bin" / "python", wheel)
    assert done.returncode == 0, done.stderr
    (site,) = (folder / "lib").glob("python*/site-packages")
    # A path in a .pth file is no site folder itself: the editable install in it stays asleep.
    (site / "behind.pth").write_text(sysconfig.get_path("platlib") + "\n")
    return folder


def clean() -> dict[str, str]:
    """The environment without what could lead to the sources."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DEVINPROD"))}


# -- what is in it -------------------------------------------------------------------------------


def test_every_module_and_data_file_of_the_sources_is_in_the_wheel(names: list[str]) -> None:
    sources = {
        str(path.relative_to(package.parent))
        for package in (PROXY, JUPYTER)
        for path in repository_files()
        if path.is_relative_to(package)
    }
    assert {Path(name).suffix for name in sources} >= {".py", ".txt", ".sql", ".toml", ".desc", ".typed"}
    assert sources | {"devinprod.py"} <= set(names)


def test_the_notebooks_travel_with_it(names: list[str]) -> None:
    shipped = {name for name in names if name.startswith("devinprod_proxy/demo/notebooks/")}
    sources = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks" / "shop_service").rglob("*.py")]
    assert len(sources) > 5
    expected = {f"devinprod_proxy/demo/notebooks/{path.relative_to(ROOT / 'notebooks')}" for path in sources}
    assert shipped == expected


def test_the_sidebar_is_in_it_once(names: list[str]) -> None:
    assert not [name for name in names if name.startswith("devinprod_jupyter/labextension/")]
    assert [name for name in names if name.startswith(LAB + "static/remoteEntry.")]
    assert {LAB + "package.json", LAB + "install.json"} <= set(names)
    assert "data/etc/jupyter/jupyter_server_config.d/devinprod.json" in names
    assert not [name for name, times in Counter(names).items() if times > 1]


def test_nothing_else_is_in_it(names: list[str]) -> None:
    strange = ("tests/", "labextension/src", "bench/", ".ci", "docs/", "node_modules")
    assert not [name for name in names if name.startswith(strange)]
    assert not [
        name for name in names if name.endswith((".pyc", ".key", ".jsonl")) or ".ipynb_checkpoints" in name
    ]
    top = {name.partition("/")[0] for name in names}
    assert top == {
        "devinprod.py",
        "devinprod_jupyter",
        "devinprod_proxy",
        "data",
        f"devinprod-{VERSION}.dist-info",
    }


def test_the_base_requires_nothing_and_the_extras_are_there(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"devinprod-{VERSION}.dist-info/METADATA").decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert required
    assert not [line for line in required if "extra ==" not in line]
    extras = {line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Provides-Extra:")}
    assert extras == {"proxy", "notebook", "demo"}
    production = " ".join(line for line in required if "extra == 'proxy'" in line)
    assert not [name for name in ("jupyter", "pandas", "pyarrow", "psycopg") if name in production]


def test_the_sdist_builds_the_same_wheel_and_has_the_tests(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "LICENSE",
        "tests/conftest.py",
        "labextension/package.json",
        "Makefile",
    } <= inside
    assert not [name for name in inside if "node_modules/" in name or name.startswith(".venv")]


def test_the_versions_agree() -> None:
    assert json.loads((ROOT / "labextension" / "package.json").read_text())["version"] == VERSION
    assert f'__version__ = "{VERSION}"' in (PROXY / "__init__.py").read_text()


# -- what it does, with the sources away ---------------------------------------------------------


def test_the_command_runs_with_no_other_package(bare: Path, tmp_path: Path) -> None:
    command = bare / "bin" / "devinprod"
    assert run(command, "--version", cwd=tmp_path, env=clean()).stdout == f"devinprod {VERSION}\n"
    assert len(run(command, "key", "new", cwd=tmp_path, env=clean()).stdout.strip()) == 64


def test_a_command_that_needs_an_extra_says_which(bare: Path, tmp_path: Path) -> None:
    command = bare / "bin" / "devinprod"
    said = run(command, "demo", cwd=tmp_path, env=clean())
    assert said.returncode == 1
    assert "pip install 'devinprod[demo]'" in said.stderr
    (tmp_path / "mask.key").write_text("ab" * 32)
    (tmp_path / "policy.toml").write_text("version = 1\n")
    (tmp_path / "devinprod.toml").write_text(
        '[target.t]\ndsn = "host=h dbname=d user=u"\npolicy = "policy.toml"\nmask_key = { file = "mask.key" }\n'
    )
    said = run(command, "proxy", "--config", "devinprod.toml", cwd=tmp_path, env=clean())
    assert said.returncode == 1
    assert "pip install 'devinprod[proxy]'" in said.stderr


def test_it_runs_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    program = (
        "import devinprod, devinprod_jupyter, devinprod_proxy.sql.rewrite, devinprod_proxy.server.listener\n"
        "from devinprod_proxy.demo.files import notebooks_source\n"
        "print(devinprod.__file__, devinprod_proxy.__file__, notebooks_source() / 'tour.ipynb', sep='\\n')\n"
        "assert (notebooks_source() / 'tour.ipynb').exists()\n"
    )
    said = run(installed / "bin" / "python", "-c", program, cwd=tmp_path, env=clean())
    assert said.returncode == 0, said.stderr
    assert all(Path(line).is_relative_to(installed) for line in said.stdout.split())


def test_jupyter_finds_both_extensions(installed: Path) -> None:
    folder = installed / "share" / "jupyter" / "labextensions" / "@devinprod" / "labextension"
    load = json.loads((folder / "package.json").read_text())["jupyterlab"]["_build"]["load"]
    assert (folder / load).is_file()
    config = json.loads(
        (installed / "etc" / "jupyter" / "jupyter_server_config.d" / "devinprod.json").read_text()
    )
    assert config["ServerApp"]["jpserver_extensions"] == {"devinprod_jupyter": True}


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """All data files together: tables, rows, policy, lists, the shop's service."""
    state = tmp_path / "state.json"
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            [installed / "bin" / "devinprod", "demo", "--headless", "--state", state, "--rows", "200"],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            env=clean(),
        )
    try:
        deadline = time.monotonic() + 60
        while not state.exists():
            assert demo.poll() is None, (tmp_path / "demo.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "demo.log").read_text()
            select_wait()
        told = json.loads(state.read_text())
        listed = run(
            installed / "bin" / "devinprod", "session", "list", cwd=tmp_path, env={**clean(), **told["env"]}
        )
        assert listed.returncode == 0, listed.stderr
    finally:
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    assert not state.exists()


def select_wait() -> None:
    """Yield the processor between two looks at a condition."""
    import select

    select.select([], [], [], 0.05)


# -- who needs what ------------------------------------------------------------------------------

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# What comes with a requirement and is imported by its own name.
COMES_WITH = {
    "ipython": "ipykernel",
    "traitlets": "ipykernel",
    "tornado": "jupyter-server",
    "numpy": "pandas",
    "adbc-driver-manager": "adbc-driver-postgresql",
}


def required(extra: str) -> set[str]:
    """The distributions that an extra names."""
    found = {re.split(r"[\[<>=;! ]", line)[0].lower().replace("_", "-") for line in EXTRAS[extra]}
    return found - {"devinprod"}


def imported(package: Path, within: Callable[[Path], bool]) -> dict[str, set[str]]:
    """Distributions that the modules import, each with the files that do."""
    installed = packages_distributions()
    found: dict[str, set[str]] = {}
    for name, path in modules(package).items():
        if not within(path):
            continue
        for one in imports(path, name):
            top = one.module.partition(".")[0]
            if top in sys.stdlib_module_names or top.startswith("devinprod"):
                continue
            distributions = {d.lower().replace("_", "-") for d in installed.get(top, [top])}
            distribution = next(iter(distributions & set().union(*map(required, EXTRAS))), min(distributions))
            found.setdefault(COMES_WITH.get(distribution, distribution), set()).add(path.name)
    return found


def test_production_needs_only_what_the_proxy_extra_names() -> None:
    found = imported(PROXY, lambda path: "demo" not in path.relative_to(PROXY).parts)
    del found["pyarrow"]  # `audit export --format parquet` says that it needs the notebook extra
    assert set(found) == required("proxy"), found


def test_a_developer_needs_only_what_the_notebook_extra_names() -> None:
    found = imported(JUPYTER, lambda path: True)
    # Drivers of the developer's own code are caught where they are there, and not asked for.
    optional = {"asyncpg", "psycopg2", "django", "sqlalchemy"}
    assert set(found) - optional <= required("notebook"), found


def test_the_demo_needs_what_the_demo_extra_names() -> None:
    found = imported(PROXY, lambda path: "demo" in path.relative_to(PROXY).parts)
    assert set(found) <= required("demo") | required("proxy") | required("notebook"), found
