"""Do the documents say what is there?

Links, commands, keys, examples and proofs are held against the code.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from devinprod_proxy.cli import parser
from devinprod_proxy.config import KEYS, Limits, load_config
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.masks import KINDS
from house.sources import ROOT, repository_files, tree

from devinprod_jupyter.options import COMMANDS

PAGES = [path for path in repository_files() if path.suffix == ".md"]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`(devinprod [^`]+|%devinprod [^`]+)`")


@dataclass(frozen=True, slots=True)
class Said:
    """A command somewhere in a document; ``whole`` where it is one that a reader is to type."""

    page: Path
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {' '.join(self.words)}"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a page: what stands behind the fence, and the text."""
    for found in FENCE.finditer(page.read_text("utf-8")):
        yield found[1].strip(), found[2]


def shell_commands(line: str) -> Iterator[list[str]]:
    """Every ``devinprod ...`` in a line of shell, as words.

    >>> list(shell_commands("$ (umask 077; devinprod key new > mask.key)"))
    [['key', 'new']]
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] | None = None
    for token in lexer:
        if token == "devinprod" and words is None:
            words = []
        elif words is not None and re.fullmatch(r"[();<>|&]+", token):
            yield words
            words = None
        elif words is not None:
            words.append(token)
    if words is not None:
        yield words


def said() -> Iterator[Said]:
    """All commands of all documents."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for language, body in blocks(page):
            kind = language.partition(" ")[0]
            for line in body.splitlines():
                if kind in ("sh", "console") and "devinprod " in line:
                    if kind == "console" and not line.startswith("$ "):
                        continue
                    for words in shell_commands(line.removeprefix("$ ")):
                        yield Said(page, tuple(words), True)
                elif not kind and line.startswith("devinprod ") and not line.startswith("devinprod demo is"):
                    # A list of commands: what stands behind two spaces explains.
                    yield Said(page, tuple(re.split(r"  |,", line)[0].split()[1:]), False)
        for found in INLINE.finditer(FENCE.sub("", text)):
            if found[1].startswith("devinprod "):
                yield Said(page, tuple(found[1].split()[1:]), False)


def subparsers(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def leaves(of: argparse.ArgumentParser, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that can be carried out, as words."""
    below = subparsers(of)
    if not below:
        yield way
    for name, one in below.items():
        yield from leaves(one, (*way, name))


def wrong(command: Said) -> str | None:
    """What is wrong with a command, by the real command line."""
    here, words = parser(), list(command.words)
    if words[:1] == ["…"] or not words:
        return None
    while words and subparsers(here):
        if words[0].startswith("-"):
            break
        if words[0] not in subparsers(here):
            return f"{command}: there is no {words[0]}"
        here = subparsers(here)[words.pop(0)]
    if command.whole:
        try:
            parser().parse_args(list(command.words))
        except SystemExit:
            return f"{command}: is not accepted"
        return None
    options = {name for action in here._actions for name in action.option_strings}
    before = words[: words.index("--")] if "--" in words else words
    unknown = [word for word in before if re.fullmatch(r"--?[a-z][a-z-]*", word) and word not in options]
    return f"{command}: there is no {unknown}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    targets = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert not missing


def test_commands_are_the_real_ones(capsys: pytest.CaptureFixture[str]) -> None:
    commands = list(said())
    assert len(commands) > 40
    problems = [problem for command in commands if (problem := wrong(command))]
    assert not problems, capsys.readouterr().err


def test_commands_of_the_notebook_are_the_real_ones() -> None:
    problems = []
    for page in PAGES:
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            for found in re.finditer(r"%devinprod ([a-z]+)", line):
                if found[1] not in COMMANDS:
                    problems.append(f"{name_of(page)}:{number}: %devinprod {found[1]}")
    assert not problems


def test_every_command_is_documented() -> None:
    page = (ROOT / "proxy" / "README.md").read_text()
    missing = [
        " ".join(way) for way in leaves(parser()) if not re.search(rf"`(devinprod )?{' '.join(way)}\b", page)
    ]
    assert not missing


def test_every_command_of_the_notebook_is_documented() -> None:
    page = (ROOT / "docs" / "notebook.md").read_text()
    assert not [name for name in COMMANDS if not re.search(rf"`(%devinprod )?{name}\b", page)]


def test_messages_name_commands_that_exist() -> None:
    """What a message tells its reader to run can be run."""
    known = subparsers(parser())
    problems = []
    for path in repository_files():
        if path.suffix != ".py" or "tests" in path.parts:
            continue
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            for found in re.finditer(r"(?<!%)\bdevinprod ([a-z]+) ([a-z]+)\b", node.value):
                actions = subparsers(known[found[1]]) if found[1] in known else {}
                if found[1] == "session" and found[2] in ("is", "never", "was"):
                    continue  # a sentence about sessions
                if actions and found[2] not in actions:
                    problems.append(f"{name_of(path)}:{node.lineno}: {found[0]}")
    assert not problems


# -- files of the operator -----------------------------------------------------------------------


def uncommented(text: str) -> str:
    """An example with every optional key switched on."""
    return re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)


def test_the_example_configuration_can_be_read() -> None:
    config = load_config(ROOT / "proxy" / "devinprod.example.toml", check_files=False, environ={})
    assert list(config.targets) == ["shop"]
    assert config.limits == Limits()


def test_the_example_configuration_has_every_key_with_its_default(tmp_path: Path) -> None:
    text = uncommented((ROOT / "proxy" / "devinprod.example.toml").read_text())
    missing = []
    for key in KEYS:
        last = key.rpartition(".")[2]
        table = key.startswith("limits.roles")
        if not (
            re.search(r"^\[limits\.roles\.\w+\]", text, re.M) if table else re.search(rf"\b{last} = ", text)
        ):
            missing.append(key)
    assert not missing
    file = tmp_path / "devinprod.toml"
    file.write_text(text)
    assert load_config(file, check_files=False, environ={}).limits == Limits()


def test_the_example_policy_can_be_read_and_has_every_kind_of_rule() -> None:
    text = (ROOT / "proxy" / "policy.example.toml").read_text()
    policy = load_policy(text, "policy.example.toml")
    assert policy.schemas
    assert policy.roles
    assert set(policy.functions.values()) == {"safe", "masked"}
    assert {
        option for kind in ("digits", "date", "json", "array", "sql") for option in KINDS[kind].options
    } <= set(re.findall(r"\b(\w+) = ", text))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_in_the_documents_can_be_read(page: Path, tmp_path: Path) -> None:
    for language, text in blocks(page):
        if language.partition(" ")[0] != "toml":
            continue
        document = tomllib.loads(text)
        if "proxy" in document:
            file = tmp_path / "devinprod.toml"
            file.write_text(text)
            load_config(file, check_files=False, environ={})
        elif "version" in document:
            load_policy(text, "policy.toml")


def test_every_mask_is_documented_with_its_types_and_options() -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    rows = {
        found[1]: (found[2], set(re.findall(r"`(\w+)`", found[3])))
        for found in re.finditer(r"^\| `(\w+)` \| ([^|]+) \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    }
    assert set(KINDS) <= set(rows)
    for name, kind in KINDS.items():
        types, options = rows[name]
        assert options == set(kind.options), name
        families = set(types.replace("any type", "").replace("arrays", "array").replace(",", " ").split())
        assert families == set(kind.fits or ()), name


# -- what is promised ----------------------------------------------------------------------------


def proofs() -> Iterator[tuple[str, list[str]]]:
    """Each row of the tables of SEMANTICS.md: what it is about, and what is wrong with its proof."""
    page = ROOT / "proxy" / "SEMANTICS.md"
    scripts_in = ROOT / "tests" / "promises" / "test_same_as_postgres.py"
    file = scripts_in
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or len(cells) != 3 or cells[2] == "Proof":
            continue
        problems = [] if cells[2].strip("| ") else ["no proof"]
        proof = cells[2]
        for token in re.finditer(
            r"\]\((\.\./tests/promises/\w+\.py)\)|`::(\w+)(?:\[([^\]]+)\])?`|`\[([^\]]+)\]`"
            r"|cases? ((?:`\w+`(?:, )?)+) of \[(tests/\w+/\w+)\]",
            proof,
        ):
            link, test, script, bare, cases, folder = token.groups()
            if link:
                file = (page.parent / link).resolve()
            elif cases:
                names = re.findall(r"`(\w+)`", cases)
                problems += [n for n in names if not (ROOT / folder / f"{n}.sql").exists()]
            else:
                where = scripts_in if bare else file
                wanted = script or bare
                functions = {
                    node.name
                    for node in ast.walk(tree(where))
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                if test and test not in functions:
                    problems.append(f"{where.name} has no {test}")
                if wanted and f'"{wanted}"' not in where.read_text():
                    problems.append(f"{where.name} has no script {wanted}")
        yield cells[0], problems


def test_every_promise_names_a_proof_that_exists() -> None:
    found = list(proofs())
    assert len(found) > 40
    assert not {about: problems for about, problems in found if problems}


def test_the_names_of_environment_variables_are_the_real_ones() -> None:
    """A DEVINPROD_ variable that a document names is one that the code reads."""
    code = "\n".join(
        path.read_text("utf-8")
        for path in repository_files()
        if path.suffix == ".py" and ("devinprod_proxy" in path.parts or "devinprod_jupyter" in path.parts)
    )
    known = set(re.findall(r"DEVINPROD_[A-Z_]+", code))
    known |= {
        f"DEVINPROD_{key.upper()}"
        for key in re.findall(r'"(proxy|control|user|password|token|target|sslmode|sslrootcert)"', code)
    }
    known.add("DEVINPROD_MASK_KEY")  # an example of a name that an operator chooses
    for page in PAGES:
        assert set(re.findall(r"DEVINPROD_[A-Z_]+[A-Z]", page.read_text("utf-8"))) <= known, name_of(page)


def test_every_address_of_the_control_api_is_documented() -> None:
    source = (ROOT / "proxy" / "devinprod_proxy" / "server" / "control.py").read_text()
    names = {"one": '"/v1/sessions/{name}"', "cell": '"/v1/cells"'}
    assert f"one, cell = {names['one']}, {names['cell']}" in source
    routes = set()
    for method, address in re.findall(r"web\.(get|post|delete|patch|put)\(([^,]+), self\.", source):
        parts = [names.get(part.strip(), part.strip()) for part in address.split("+")]
        routes.add(f"{method.upper()} {''.join(part.strip(chr(34)) for part in parts)}")
    page = (ROOT / "docs" / "control-api.md").read_text()
    said = set(re.findall(r"^\| `([A-Z]+ /[^`]+)` \|", page, re.MULTILINE))
    assert len(routes) > 10
    assert said == routes
