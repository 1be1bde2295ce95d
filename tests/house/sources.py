"""Which files are ours, and what do they import?  Read as text and as trees; nothing of them is run."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "proxy" / "devinprod_proxy"
JUPYTER = ROOT / "devinprod_jupyter"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``module`` in full, where it stands, and whether it is carried out at load."""

    module: str
    line: int
    at_load: bool


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package by its full name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path, name: str) -> Iterator[Import]:
    """What a module imports, relative names resolved; ``from a import b`` counts as ``a.b`` too."""
    is_package = path.name == "__init__.py"

    def visit(node: ast.AST, at_load: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, at_load)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    here = name.split(".")
                    up = child.level - (1 if is_package else 0)
                    base = ".".join([*here[: len(here) - up], *([base] if base else [])])
                yield Import(base, child.lineno, at_load)
                for alias in child.names:
                    yield Import(f"{base}.{alias.name}", child.lineno, at_load)
            else:
                later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                yield from visit(child, at_load and not later and not typing)

    yield from visit(tree(path), True)


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that git has or would take, in a clone; every file of an unpacked archive otherwise."""
    if (ROOT / ".git").exists():
        said = subprocess.run(
            [
                "git",
                "-c",
                "safe.directory=*",
                "-C",
                str(ROOT),
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            capture_output=True,
            check=True,
        ).stdout.decode()
        files = [ROOT / name for name in said.split("\0") if name]
    else:
        skipped = {".venv", "node_modules", "dist", "__pycache__", ".mypy_cache", ".ruff_cache"}
        files = [path for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in files if path.is_file()))
