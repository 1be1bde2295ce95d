"""Which one-time SQL makes a database fit for the proxy?

The role that the proxy logs in with, stripped of what no rollback undoes; its grants; and, on a copy,
sequences that stand far above production's, so that inserts in sessions meet neither the rows that
are there nor those that replication brings.  Every statement can be run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devinprod_proxy import conninfo
from devinprod_proxy.config import Config, Target
from devinprod_proxy.errors import ConfigInvalid, UpstreamFault
from devinprod_proxy.server.doctor import FILES_AND_PROGRAMS, Facts, kind_of, survey
from devinprod_proxy.server.query import Connection
from devinprod_proxy.server.upstream import Destination
from devinprod_proxy.sql import diagnose
from devinprod_proxy.sql.control import identifier, literal

FAR = 1_000_000_000
"""How far above production a bigint sequence is put."""
NEAR = FAR // 2
"""A sequence that is that far above is left alone: it was moved before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement (None: only a remark) and why."""

    why: str
    sql: str | None = None


async def plan(config: Config, target: Target, admin_dsn: str | None) -> list[Step]:
    """What is to be run for one target, by what stands there now.

    Looks through *admin_dsn* where given, else through the target's own dsn.  Raises UpstreamFault, and
    ConfigInvalid where that dsn logs in as a superuser.
    """
    role = conninfo.resolve(target.dsn)["user"]
    async with Connection(Destination(admin_dsn or target.dsn)) as connection:
        facts, _ = await survey(connection)
        superuser, member_of = (await connection.rows(diagnose.role_exists(role)))[0]
    if superuser == "true":
        raise ConfigInvalid(
            f"the dsn logs in as {role}, a superuser: setup does not take that away from a role in use",
            file=str(config.file),
            key=f"target.{target.name}.dsn",
            hint="Name a role of the proxy's own, such as devinprod; setup makes it.",
        )
    same = admin_dsn is None or await _same_database(facts, target)
    steps = _role_steps(role, superuser is not None, (member_of or "").split(","), facts)
    return [*steps, *_grants(role, facts), *_sequence_steps(facts, target, same)]


async def apply(steps: list[Step], admin_dsn: str) -> int:
    """Run the statements, each in a transaction of its own; how many.  Raises UpstreamFault."""
    done = 0
    async with Connection(Destination(admin_dsn)) as connection:
        for step in steps:
            if step.sql is not None:
                await connection.rows(diagnose.told(step.sql))
                done += 1
    return done


def printed(steps: list[Step]) -> str:
    """The statements as a script, each under its reason."""
    lines = []
    for step in steps:
        lines.append(f"-- {step.why}")
        if step.sql is not None:
            lines.append(f"{step.sql};")
    return "\n".join(lines) + "\n"


def _role_steps(role: str, exists: bool, member_of: list[str], facts: Facts) -> list[Step]:
    name = identifier(role)
    steps = []
    if not exists:
        why = f"The role of the proxy. Give it a password: \\password {role}"
        steps.append(Step(why, f"CREATE ROLE {name} LOGIN"))
    steps.append(
        Step(
            "Nothing that a rollback does not undo",
            f"ALTER ROLE {name} LOGIN NOSUPERUSER NOREPLICATION NOBYPASSRLS NOCREATEROLE NOCREATEDB",
        )
    )
    for other in sorted(set(member_of) & FILES_AND_PROGRAMS):
        steps.append(Step("Files, programs and other backends", f"REVOKE {identifier(other)} FROM {name}"))
    if facts["version_number"] >= 170000:
        why = "A session lives longer than a transaction usually may; the proxy has its own limits"
        steps.append(Step(why, f"ALTER ROLE {name} SET transaction_timeout = 0"))
    return steps


def _grants(role: str, facts: Facts) -> list[Step]:
    name = identifier(role)
    steps = [Step("To log in", f"GRANT CONNECT ON DATABASE {identifier(facts['database'])} TO {name}")]
    for schema in facts["schemas"] or ():
        within = f"IN SCHEMA {identifier(schema)} TO {name}"
        why = f"What sessions may try in schema {schema} (never committed)"
        steps += [
            Step(why, f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {name}"),
            Step(why, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES {within}"),
            Step(why, f"GRANT SELECT, USAGE ON ALL SEQUENCES {within}"),
        ]
    for owner in facts["owners"] or ():
        if owner != role and owner != "postgres":
            grant = f"GRANT {identifier(owner)} TO {name};"
            steps.append(Step(f"If migrations of tables of {owner} are to be tried in sessions: {grant}"))
    return steps


def _sequence_steps(facts: Facts, target: Target, same: bool) -> list[Step]:
    kind = kind_of(facts, target)
    if kind not in ("subscriber", "clone"):
        return [Step(f"Sequences are not moved: this is {_NOT_A_COPY[kind]}")]
    if facts["walsenders"] and kind == "clone":
        return [Step("Sequences are not moved: other servers replicate from here, so it may be the primary")]
    if kind == "clone" and not same:
        return [
            Step(
                "Sequences are not moved yet: only when the role can log in is it known that --admin-dsn and "
                "the target's dsn lead to the same database. Then run this again"
            )
        ]
    steps = []
    for sequence in facts["sequences"] or ():
        value = moved_to(sequence)
        name = f"{identifier(sequence['schema'])}.{identifier(sequence['name'])}"
        if value is not None:
            column = f"{sequence['table_schema']}.{sequence['table']}.{sequence['column']}"
            why = f"{column} holds up to {sequence.get('greatest')}, the sequence stood at {sequence['last']}"
            steps.append(Step(why, f"SELECT pg_catalog.setval({literal(name)}, {value})"))
    return steps or [Step("All sequences stand far above their columns")]


def moved_to(sequence: Mapping[str, Any]) -> int | None:
    """Where a sequence is to be put, None where it is well or cannot be moved.

    bigint: 10^9 above everything; smaller types: into their upper half.

    >>> moved_to({"usable": True, "max": 2**63 - 1, "last": 7, "greatest": 300})
    1000000300
    """
    if not sequence["usable"] or "unknown" in sequence:
        return None
    greatest, last, most = sequence.get("greatest") or 0, sequence["last"] or 0, sequence["max"]
    base = max(greatest, last)
    if most > 4 * FAR:
        return base + FAR if last < greatest + NEAR and base + FAR < most else None
    half = most // 2 + 1
    if last >= half and last > greatest:
        return None
    value: int = half if base < half else base + (most - base) // 2
    return value if value < most else None


async def _same_database(facts: Facts, target: Target) -> bool:
    """Whether the target's own dsn leads to the database of these facts."""
    try:
        async with Connection(Destination(target.dsn)) as connection:
            theirs, _ = await survey(connection)
    except (UpstreamFault, OSError):
        return False
    return bool(theirs["identity"] == facts["identity"])


_NOT_A_COPY = {
    "standby": "a standby, which takes no writes",
    "primary": "the primary",
    "unnamed": 'perhaps the primary (say kind = "clone" for a copy)',
}
