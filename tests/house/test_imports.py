"""Do imports go one way, and do the pure folders stay pure?"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from house.sources import JUPYTER, PROXY, ROOT, imports, modules, tree

# What each folder (or file at the top) of devinprod_proxy may import of the others.
MAY_IMPORT: Mapping[str, set[str]] = {
    "errors": set(),
    "toml_lines": set(),
    "conninfo": set(),
    "policy": {"errors", "toml_lines"},
    "pgwire": {"errors"},
    "sql": {"errors", "policy"},
    "session": {"errors", "policy", "sql", "pgwire"},
    "config": {"errors", "toml_lines", "conninfo", "session"},
    "server": {"errors", "toml_lines", "conninfo", "config", "policy", "sql", "pgwire", "session"},
    "demo": {"errors", "config", "session", "server"},
    "cli": {"errors", "config", "policy", "sql", "session", "server", "demo"},
    "__main__": {"cli"},
}

PURE = ("policy", "sql", "pgwire", "session")
# What the outside world comes in by.
IMPURE = frozenset(
    {
        "asyncio", "socket", "ssl", "select", "selectors", "aiohttp", "uvloop", "psycopg",
        "os", "pathlib", "shutil", "tempfile", "subprocess", "threading", "signal",
        "time", "random", "secrets", "logging",
    }
)  # fmt: skip

# The parser is libpg_query. policy/masks/expression.py checks the operator's own expressions with it, when a
# policy is loaded; no client's text gets there.
PARSER_IN = {"sql/parse.py", "policy/masks/expression.py"}
# Text for the database is made in one place from a judged tree, and in two of fixed texts.
SERVER_SQL_IN = {"sql/rewrite.py", "sql/control.py", "sql/diagnose.py"}


def place(module: str) -> str | None:
    """The folder or top file of devinprod_proxy that a module belongs to; None if it is not of it."""
    parts = module.split(".")
    return parts[1] if parts[0] == "devinprod_proxy" and len(parts) > 1 else None


def offences() -> Iterator[str]:
    """Imports that go the wrong way."""
    for name, path in modules(PROXY).items():
        mine = place(name)
        if mine is None:
            continue
        for found in imports(path, name):
            theirs = place(found.module)
            if theirs is None or theirs == mine or theirs.startswith("__version__"):
                continue
            if theirs not in MAY_IMPORT.get(mine, set()):
                yield f"{path.relative_to(ROOT)}:{found.line}: {mine} must not import {theirs}"


def test_every_folder_has_its_place() -> None:
    assert {place(name) for name in modules(PROXY)} - {None} == set(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    assert not list(offences())


@pytest.mark.parametrize("folder", PURE)
def test_pure_folders_touch_no_outside_world(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{one.line}: {one.module}"
        for name, path in modules(PROXY).items()
        if place(name) == folder
        for one in imports(path, name)
        if one.module.partition(".")[0] in IMPURE
    ]
    assert not found


def test_only_the_server_runs_an_event_loop() -> None:
    found = {
        place(name)
        for name, path in modules(PROXY).items()
        for one in imports(path, name)
        if one.module.partition(".")[0] == "asyncio"
    }
    assert found <= {"server", "cli", "demo"}


def test_proxy_and_notebook_meet_only_on_the_wire() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{one.line}: {one.module}"
        for package, other in ((PROXY, "devinprod_jupyter"), (JUPYTER, "devinprod_proxy"))
        for name, path in modules(package).items()
        for one in imports(path, name)
        if one.module.partition(".")[0] == other
    ]
    assert not found


@pytest.mark.parametrize("package", [PROXY, JUPYTER], ids=lambda path: path.name)
def test_no_module_needs_itself_to_load(package: Path) -> None:
    """No cycle among the imports that are carried out when a module is loaded."""
    known = modules(package)
    needs: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = {one.module for one in imports(path, name) if one.at_load and one.module in known}
        # A module's own packages are being loaded when it is: naming them asks for nothing more.
        needs[name] = {one for one in wanted if one != name and not name.startswith(f"{one}.")}
    while needs:
        free = {name for name, wanted in needs.items() if not wanted & needs.keys()}
        assert free, f"these import each other in a circle: {sorted(needs)}"
        needs = {name: wanted for name, wanted in needs.items() if name not in free}


def test_one_importer_of_the_parser() -> None:
    found = {
        str(path.relative_to(PROXY))
        for package in (PROXY, JUPYTER)
        for name, path in modules(package).items()
        for one in imports(path, name)
        if one.module.partition(".")[0] in ("pglast", "google", "postgast") and path.is_relative_to(PROXY)
    }
    assert found <= PARSER_IN


def test_text_for_the_database_is_made_in_one_place() -> None:
    """``ServerSql`` is what may be sent upstream: a client's text cannot become one elsewhere."""
    found = set()
    for path in modules(PROXY).values():
        aliases = {"ServerSql"} | {
            alias.asname
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name == "ServerSql" and alias.asname
        }
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                cast = called == "cast" and node.args and "ServerSql" in ast.unparse(node.args[0])
                if called in aliases or cast:
                    found.add(str(path.relative_to(PROXY)))
    assert found <= SERVER_SQL_IN
    assert "sql/rewrite.py" in found
