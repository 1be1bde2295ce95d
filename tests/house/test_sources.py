"""Are the sources small, named for what they are, and free of what does not belong in them?"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from house.sources import JUPYTER, PROXY, ROOT, modules, repository_files, tree

LONG, TOO_LONG = 400, 600
OURS = [*modules(PROXY).values(), *modules(JUPYTER).values(), ROOT / "devinprod.py"]
# Texts that a machine writes, or that are one table.
WRITTEN_BY_MACHINES = {"constraints.txt", "labextension/package-lock.json", "LICENSE"}
# A name that could hold anything, so that in time it does.
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core"}
# Hosts that serve packages. Where a machine gets its packages from is that machine's own affair.
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.(org|com)|yarnpkg\.com|crates\.io|proxy\.golang"
)
# How this was made is nobody's business here.
MAKING = re.compile(r"\.\./shared|/work/|\.library|\b[Ii]ssue #?\d|\bissues (show|list)\b|\bfindings\.md\b")


def text_of(path: Path) -> str | None:
    """A file's text; None for what is none."""
    data = path.read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_source_is_too_long() -> None:
    suffixes = {".py", ".ts", ".tsx", ".css"}
    sources = [path for path in repository_files() if path.suffix in suffixes]
    assert len(sources) > 100
    found = {name_of(path): lines(path) for path in sources if lines(path) > TOO_LONG}
    assert not found, "split these; each part answers one question"


def test_a_long_module_says_why() -> None:
    """At 400 lines the docstring says why they are together: it names a number of lines."""
    found = {
        name_of(path): lines(path)
        for path in OURS
        if lines(path) > LONG and not re.search(r"\b\d{3} lines\b", ast.get_docstring(tree(path)) or "")
    }
    assert not found, "say in the docstring why more than 400 lines belong together"


def test_every_module_says_what_it_answers() -> None:
    assert not [name_of(path) for path in OURS if not ast.get_docstring(tree(path))]


def test_every_public_function_has_a_docstring_where_policy_is_made() -> None:
    """The folders that a security reviewer reads."""
    found = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for folder in ("policy", "session", "pgwire", "sql")
        for path in modules(PROXY).values()
        if path.is_relative_to(PROXY / folder)
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not found


def test_nothing_has_a_name_that_could_hold_anything() -> None:
    found = [name_of(path) for path in repository_files() if path.stem in VAGUE and path.suffix != ".css"]
    assert not found
    folders = {part for path in repository_files() for part in path.relative_to(ROOT).parts[:-1]}
    assert not folders & VAGUE


def test_file_names_are_names() -> None:
    found = [name_of(path) for path in repository_files() if not re.fullmatch(r"[\w.@+/-]+", name_of(path))]
    assert not found


def test_nobody_is_told_where_to_get_packages() -> None:
    found = [
        name_of(path)
        for path in repository_files()
        if path != Path(__file__) and REGISTRIES.search(text_of(path) or "")
    ]
    assert not found


def test_the_lock_files_have_hashes_and_no_addresses() -> None:
    constraints = (ROOT / "constraints.txt").read_text()
    assert "://" not in constraints
    assert "--hash=sha256:" in constraints
    lock = json.loads((ROOT / "labextension" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [
        name for name, entry in packages.items() if "integrity" not in entry and not entry.get("link")
    ]


def test_nothing_speaks_of_how_it_was_made() -> None:
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in repository_files()
        if path != Path(__file__)
        and name_of(path) not in WRITTEN_BY_MACHINES
        and (match := MAKING.search(text_of(path) or ""))
    ]
    assert not found


def test_tests_mirror_the_sources() -> None:
    """A test file below tests/proxy/FOLDER is about a folder that exists."""
    folders = {path.name for path in (ROOT / "tests" / "proxy").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= {path.name for path in PROXY.iterdir() if path.is_dir()}


def test_no_test_sleeps_for_a_time() -> None:
    """A test waits for a condition; ``pg_sleep`` and a loop's pause between two looks are no sleeps."""
    found = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                found.append(f"{name_of(path)}:{node.lineno}")
    assert not found
