"""``devinprod doctor`` and ``devinprod setup``: is the target fit for the proxy, and what makes it so."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from devinprod_proxy.cli.output import CommandFailed, complain, plain
from devinprod_proxy.config import Config, load_config
from devinprod_proxy.errors import UpstreamFault


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    doctor = commands.add_parser(
        "doctor",
        help="what the targets are, what is wrong with them and what to do",
        description="Exit code 1 where something stands in the way of safe sessions.",
    )
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    doctor.set_defaults(carry_out=_doctor)

    setup = commands.add_parser(
        "setup",
        help="the one-time SQL that a target needs",
        description="Prints it; with --apply runs it. Safe to run again; moves no sequence on a primary.",
    )
    setup.add_argument("--apply", action="store_true", help="run it over --admin-dsn")
    setup.add_argument("--admin-dsn", metavar="DSN", help="an administrator's connection to the target")
    setup.set_defaults(carry_out=_setup)
    for command in (doctor, setup):
        command.add_argument("--config", required=True, metavar="FILE", help="devinprod.toml")
        command.add_argument("--target", metavar="NAME", help="only this target")


def chosen(config: Config, target: str | None) -> list[str]:
    """The names of the targets that a command is about.  Raises CommandFailed."""
    if target is None:
        return list(config.targets)
    if target not in config.targets:
        raise CommandFailed(f"there is no [target.{target}]", f"There is: {', '.join(config.targets)}.", 2)
    return [target]


def _doctor(said: argparse.Namespace) -> int:
    from devinprod_proxy.server import doctor

    config = load_config(said.config)

    async def all_of_them() -> list[doctor.Diagnosis]:
        return [await doctor.examine(config, config.targets[name]) for name in chosen(config, said.target)]

    found = asyncio.run(all_of_them())
    blocked = any(finding.level == "blocks" for one in found for finding in one.findings)
    if said.json:
        print(json.dumps({"targets": [asdict(one) for one in found], "warnings": config.warnings}, indent=2))
        return int(blocked)
    for one in found:
        print(f"target {one.target}: {plain(one.summary)}")
        for finding in one.findings:
            print(f"  {finding.level.upper():8}{plain(finding.what)}")
            if finding.do:
                print(f"          -> {plain(finding.do)}")
    for warning in config.warnings:
        print(f"  WARNS   {plain(warning)}")
    print("Something blocks." if blocked else "Nothing blocks.")
    return int(blocked)


def _setup(said: argparse.Namespace) -> int:
    from devinprod_proxy.server import setup

    config = load_config(said.config)
    names = chosen(config, said.target)
    if said.apply and not said.admin_dsn:
        raise CommandFailed("--apply needs --admin-dsn", "The proxy's own role cannot set itself up.", 2)
    if said.admin_dsn and len(names) > 1:
        raise CommandFailed("--admin-dsn leads to one target", f"Say which: --target {names[0]}", 2)

    async def each(name: str) -> None:
        steps = await setup.plan(config, config.targets[name], said.admin_dsn)
        print(f"-- target {name}\n{setup.printed(steps)}", end="", flush=True)
        if said.apply:
            print(f"{await setup.apply(steps, said.admin_dsn)} statements were run.", file=sys.stderr)

    try:
        for name in names:
            asyncio.run(each(name))
    except OSError as error:
        return complain(f"the database cannot be reached: {error.strerror or error}")
    except UpstreamFault as fault:
        if said.admin_dsn:
            raise
        # The first time there is no such role yet, or it has no password.
        raise CommandFailed(
            fault.refusal.message,
            f"{fault.refusal.hint or ''} Before the proxy's role is there: --admin-dsn DSN.".strip(),
        ) from None
    return 0
