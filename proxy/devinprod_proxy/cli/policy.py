"""``devinprod policy``: does the policy fit, and what does it make of a statement?"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from devinprod_proxy.cli.doctor import chosen
from devinprod_proxy.cli.output import CommandFailed, complain, plain
from devinprod_proxy.config import Config, load_config
from devinprod_proxy.errors import PolicyInvalid, Refusal

if TYPE_CHECKING:
    from devinprod_proxy.sql.catalog import Catalog
    from devinprod_proxy.sql.statement import Statement


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    policy = commands.add_parser("policy", help="the policy: check, explain")
    actions = policy.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser(
        "check",
        help="does the policy fit the schema of its target?",
        description="Exit code 1: it names what does not exist (with --strict: any finding).",
    )
    one.add_argument("--strict", action="store_true", help="warnings fail, too (for CI)")
    one.set_defaults(carry_out=_check)
    one = actions.add_parser("explain", help="what a statement becomes, and why")
    one.add_argument("sql", metavar="SQL")
    one.add_argument("--role", default="developer", help="as whom (default: %(default)s)")
    one.set_defaults(carry_out=_explain)
    for action in actions.choices.values():
        action.add_argument("--config", required=True, metavar="FILE", help="devinprod.toml")
        action.add_argument("--target", metavar="NAME", help="only this target")


def _catalog(config: Config, name: str) -> Catalog:
    from devinprod_proxy.server.query import query
    from devinprod_proxy.server.upstream import Destination
    from devinprod_proxy.sql import control
    from devinprod_proxy.sql.catalog import Catalog

    try:
        rows = asyncio.run(query(Destination(config.targets[name].dsn), control.catalog_query()))
    except OSError as error:
        raise CommandFailed(f"target {name} cannot be reached: {error.strerror or error}") from None
    return Catalog.from_json(str(rows[0][0]))


def _check(said: argparse.Namespace) -> int:
    from devinprod_proxy.server.policy_check import check_policy

    config = load_config(said.config)
    failed = False
    for name in chosen(config, said.target):
        file = config.targets[name].policy
        try:
            findings = check_policy(file.read_text("utf-8"), str(file), _catalog(config, name))
        except PolicyInvalid as error:
            return complain(str(error), error.refusal.hint)
        print(f"target {name}, {file}: {len(findings)} findings")
        for finding in findings:
            print(f"  {finding.level.upper():8}{plain(finding.what)}\n          -> {plain(finding.do)}")
            failed = failed or finding.level == "blocks" or said.strict
    return int(failed)


def _explain(said: argparse.Namespace) -> int:
    from devinprod_proxy.policy.load import load_policy
    from devinprod_proxy.sql.rewrite import Rewriter
    from devinprod_proxy.sql.statement import ClientSql
    from devinprod_proxy.sql.world import World

    config = load_config(said.config)
    names = chosen(config, said.target)
    if len(names) > 1:
        raise CommandFailed("which target is not said", f"--target {' or '.join(names)}", 2)
    file = config.targets[names[0]].policy
    world = World(_catalog(config, names[0]), load_policy(file.read_text("utf-8"), str(file)), said.role)
    rewriter = Rewriter()
    read = rewriter.statements(ClientSql(said.sql))
    if isinstance(read, Refusal):
        return _refused(read, said.sql)
    for parsed in read:
        statement = rewriter.rewrite(parsed, world)
        if isinstance(statement, Refusal):
            return _refused(statement, said.sql)
        _show(statement)
    return 0


def _show(statement: Statement) -> None:
    people = statement.people
    for name, value in (
        ("asked", statement.asked.strip()),
        (
            "runs",
            statement.run.text if statement.run is not None else "nothing: the session answers by itself",
        ),
        ("kind", str(statement.kind)),
        ("masked", ", ".join(statement.masked)),
        ("counts", "" if people is None else "people of " + ", ".join(use.table for use in people.uses)),
    ):
        if value:
            print(f"{name + ':':8}{plain(value)}")


def _refused(refusal: Refusal, sql: str) -> int:
    print(f"refused: {refusal.sqlstate} {plain(refusal.message)}")
    if refusal.position is not None:
        before = sql[: refusal.position - 1]
        line = sql.splitlines()[before.count("\n")] if sql.strip() else ""
        print(f"  {plain(line)}\n  {' ' * len(plain(before.rpartition(chr(10))[2]))}^")
    if refusal.detail:
        print(f"  {plain(refusal.detail)}")
    if refusal.hint:
        print(f"  {plain(refusal.hint)}")
    return 1
