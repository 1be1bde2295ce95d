"""What is the target, what is wrong with it, and what is to be done?

Everything is asked as the role that the proxy logs in with, so what it finds is what sessions will
find.  :func:`survey` asks, :func:`judge` thinks; only the first needs a database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devinprod_proxy import conninfo
from devinprod_proxy.config import Config, Target
from devinprod_proxy.errors import UpstreamFault
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.server.findings import Finding, Level, some
from devinprod_proxy.server.policy_check import check_policy
from devinprod_proxy.server.query import Connection
from devinprod_proxy.server.upstream import Destination
from devinprod_proxy.sql import control, diagnose
from devinprod_proxy.sql.catalog import TABLE_KINDS, Catalog

Facts = dict[str, Any]
QUESTION_SECONDS = 10
LATE_SECONDS = 60.0

FILES_AND_PROGRAMS = frozenset(
    {"pg_read_server_files", "pg_write_server_files", "pg_execute_server_program", "pg_signal_backend"}
    | {"pg_checkpoint", "pg_maintain", "pg_create_subscription", "pg_signal_autovacuum_worker"}
)
"""Predefined roles that do what no rollback undoes, or reach other backends."""
AUTONOMOUS = frozenset(
    {"dblink", "pg_cron", "pg_net", "http", "pgsql-http", "pg_background", "pg_partman", "aws_lambda"}
    | {"file_fdw", "postgres_fdw", "mysql_fdw", "pglogical", "timescaledb", "pg_amqp", "pgq"}
)
"""Extensions whose functions or workers write outside the transaction that calls them."""

THREE_WAYS = (
    "A writable target is a logical replica, what pg_createsubscriber makes of this standby, "
    "or a thin clone of it."
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One target: what it is in a sentence, and everything found."""

    target: str
    summary: str
    findings: tuple[Finding, ...]


async def examine(config: Config, target: Target) -> Diagnosis:
    """Look at one target.  A target that cannot be reached is a finding, not an exception."""
    try:
        async with Connection(Destination(target.dsn)) as connection:
            facts, catalog = await survey(connection)
            readable = await _readable_masked(connection, target, catalog)
    except (UpstreamFault, OSError) as error:
        what = f"the target cannot be reached: {error}"
        return Diagnosis(target.name, "not reached", (Finding("blocks", what, _UNREACHABLE),))
    text = target.policy.read_text("utf-8")
    found = [*judge(facts, config, target), *check_policy(text, str(target.policy), catalog), *readable]
    found.sort(key=lambda finding: ("blocks", "warns", "notes").index(finding.level))
    summary = f"{_KIND[kind_of(facts, target)]}, PostgreSQL {facts['version']}, as role {facts['role']}"
    return Diagnosis(target.name, summary, tuple(found))


async def survey(connection: Connection) -> tuple[Facts, Catalog]:
    """Ask a target everything; sequences get ``greatest``, the greatest value in their column."""
    await connection.rows(diagnose.patience(QUESTION_SECONDS))
    facts: Facts = json.loads(str((await connection.rows(diagnose.target_survey()))[0][0]))
    catalog = Catalog.from_json(str((await connection.rows(control.catalog_query()))[0][0]))
    for sequence in facts["sequences"] or ():
        try:
            place = (sequence["table_schema"], sequence["table"], sequence["column"])
            greatest = (await connection.rows(diagnose.greatest(*place)))[0][0]
            sequence["greatest"] = None if greatest is None else int(greatest)
        except UpstreamFault as error:
            sequence["unknown"] = str(error)
    return facts, catalog


def kind_of(facts: Facts, target: Target) -> str:
    """What the target is: standby, subscriber, clone, primary (only by name) or unnamed."""
    if facts["recovery"]:
        return "standby"
    if target.kind in ("clone", "primary"):
        return target.kind
    return "subscriber" if facts["subscriptions"] else "unnamed"


def judge(facts: Facts, config: Config, target: Target) -> list[Finding]:
    """What the facts mean for the proxy."""
    kind = kind_of(facts, target)
    return [
        *_kind(facts, target, kind),
        *_replication(facts, kind),
        *_sequences(facts, kind),
        *_role(facts),
        *_writers(facts),
        *_server(facts, config),
        *_privileges(facts),
        *_way(target),
    ]


def _kind(facts: Facts, target: Target, kind: str) -> list[Finding]:
    found = []
    table = f"[target.{target.name}]"
    if kind == "unnamed":
        what = "it is neither a logical replica nor a standby: for all that can be seen, the primary"
        do = f'If it is a copy of its own, say kind = "clone" in {table}; the primary has to be named, too.'
        found.append(Finding("blocks", what, do))
    if target.kind not in ("auto", kind):
        what = f'kind = "{target.kind}" is said, but it is {_KIND[kind]}'
        found.append(Finding("blocks", what, f"Put right kind or dsn in {table}."))
    if kind == "primary":
        what = "this is production itself: locks and old snapshots of sessions are felt by everybody"
        found.append(Finding("warns", what, THREE_WAYS.replace("this standby", "a standby")))
    if kind == "standby":
        what = "sessions are read-only here: PostgreSQL lets a physical standby write nothing"
        found.append(Finding("notes", what, THREE_WAYS))
    if kind == "clone" and facts["walsenders"]:
        what = f'kind = "clone" is said, but {facts["walsenders"]} servers replicate from it'
        found.append(Finding("warns", what, "A clone that feeds others may be the primary. Look again."))
    return found


def _replication(facts: Facts, kind: str) -> list[Finding]:
    found = []
    for one in facts["subscriptions"] or ():
        name = f"subscription {one['name']}"
        if not one["enabled"] or not one["worker"]:
            what = f"{name} is {'not running' if one['enabled'] else 'disabled'}: the data is getting old"
            found.append(Finding("blocks", what, "See the server's log; ALTER SUBSCRIPTION … ENABLE."))
        elif one["silent"] is not None and one["silent"] > LATE_SECONDS:
            what = f"{name} has heard nothing from its publisher for {one['silent']:.0f} s"
            found.append(Finding("warns", what, "Is the publisher reachable?"))
        if one["unready"]:
            what = f"{name}: {one['unready']} tables are not copied yet"
            found.append(Finding("warns", what, "Wait until pg_subscription_rel says r for all."))
        if one["errors"]:
            what = f"{name} has failed {one['errors']} times"
            do = "See the server's log. A table that only the publisher has stops all of them."
            found.append(Finding("warns", what, do))
    if kind == "standby" and (facts["replay_lag"] or 0) > LATE_SECONDS:
        found.append(Finding("warns", f"it is {facts['replay_lag']:.0f} s behind", "Or the primary is idle."))
    if facts["keyless"] and kind in ("subscriber", "clone"):
        what = (
            f"tables in a publication without a key, whose rows cannot be deleted: {some(facts['keyless'])}"
        )
        found.append(Finding("warns", what, "A copy publishes nothing: DROP PUBLICATION there."))
    return found


def _sequences(facts: Facts, kind: str) -> list[Finding]:
    if kind not in ("subscriber", "clone"):
        return []
    every = facts["sequences"] or []
    behind = [_named(one) for one in every if is_behind(one, kind)]
    unknown = [_named(one) for one in every if "unknown" in one or not one["readable"]]
    found = []
    if behind:
        what = f"sequences that do not stand above their column, so that inserts collide: {some(behind)}"
        found.append(Finding("blocks", what, "devinprod setup --apply moves them, far above production."))
    if unknown:
        found.append(Finding("warns", f"sequences that could not be compared: {some(unknown)}", _GRANT))
    return found


def is_behind(sequence: Mapping[str, Any], kind: str) -> bool:
    """Whether the next value may meet one that is there, or that production makes next."""
    last, greatest = sequence["last"], sequence.get("greatest")
    if not sequence["usable"] or not sequence["readable"] or greatest is None:
        return False
    return last is None or last < greatest or (last == greatest and kind == "subscriber")


def _role(facts: Facts) -> list[Finding]:
    role, found = facts["role"], []
    attributes = facts["attributes"]
    if attributes["SUPERUSER"]:
        what = f"role {role} is a superuser: what no rollback undoes is then held by the parser alone"
        return [Finding("blocks", what, "Name another role in the dsn; devinprod setup makes it.")]
    for name in ("REPLICATION", "BYPASSRLS", "CREATEROLE", "CREATEDB"):
        if attributes[name]:
            level: Level = "blocks" if name == "REPLICATION" else "warns"
            what = f"role {role} has {name}: what that allows is then held by the parser alone"
            found.append(Finding(level, what, f"ALTER ROLE {role} NO{name};"))
    predefined = set(facts["predefined"] or ())
    for name in sorted(predefined & FILES_AND_PROGRAMS):
        found.append(Finding("blocks", f"role {role} is a member of {name}", f"REVOKE {name} FROM {role};"))
    for name in sorted(predefined - FILES_AND_PROGRAMS):
        what = f"role {role} is a member of {name}, which sees more than its own grants"
        found.append(Finding("warns", what, f"REVOKE {name} FROM {role};"))
    return found


def _writers(facts: Facts) -> list[Finding]:
    found = []
    extensions = sorted(set(facts["extensions"] or ()) & AUTONOMOUS)
    if extensions:
        what = f"extensions that write outside a transaction: {', '.join(extensions)}"
        do = "Their functions are refused by name. Trigger and function bodies may call them: see the policy."
        found.append(Finding("warns", what, do))
    if facts["languages"]:
        what = f"untrusted languages: {', '.join(facts['languages'])}"
        found.append(
            Finding("warns", what, "Functions in them can do anything. Name none of them safe unread.")
        )
    if facts["foreign_servers"]:
        what = f"foreign servers: {some(facts['foreign_servers'])}"
        found.append(Finding("warns", what, "What is written to foreign tables reaches other machines."))
    if facts["event_triggers"]:
        what = f"event triggers run when a session tries DDL: {some(facts['event_triggers'])}"
        found.append(Finding("notes", what))
    if int(facts["settings"]["max_prepared_transactions"]):
        what = "max_prepared_transactions is more than 0, so PREPARE TRANSACTION is held by the parser alone"
        found.append(Finding("warns", what, "Set it to 0 on a copy that needs no two-phase commit."))
    return found


def _server(facts: Facts, config: Config) -> list[Finding]:
    found = []
    if facts["encoding"] != "UTF8":
        what = f"the database's encoding is {facts['encoding']}"
        found.append(Finding("blocks", what, "devinprod needs UTF8."))
    if facts["version_number"] < 150000:
        found.append(Finding("blocks", "PostgreSQL before 15 is not supported"))
    elif facts["version_number"] < 160000:
        found.append(Finding("notes", "PostgreSQL 15: GROUP BY the key alone is refused on masked tables"))
    if facts["transaction_timeout"] not in ("0", "0ms"):
        what = f"transaction_timeout is {facts['transaction_timeout']}, which ends every session after that"
        do = f"ALTER ROLE {facts['role']} SET transaction_timeout = 0;"
        found.append(Finding("blocks", what, do))
    settings = facts["settings"]
    free = int(settings["max_connections"]) - int(settings["superuser_reserved_connections"])
    if config.limits.max_sessions >= free:
        what = f"max_sessions is {config.limits.max_sessions}, but the server takes {free} connections in all"
        found.append(Finding("warns", what, "Lower limits.max_sessions, or raise max_connections."))
    return found


def _privileges(facts: Facts) -> list[Finding]:
    found = []
    if facts["forbidden_schemas"]:
        what = f"schemas that sessions cannot use: {some(facts['forbidden_schemas'])}"
        found.append(Finding("notes", what, _GRANT))
    if facts["unreadable"]:
        found.append(
            Finding("notes", f"tables that sessions cannot read: {some(facts['unreadable'])}", _GRANT)
        )
    owners = sorted(set(facts["owners"] or ()) - set(facts["owner_of"] or ()))
    if owners:
        what = f"sessions cannot try migrations on tables of {some(owners)}"
        found.append(Finding("notes", what, f"GRANT {owners[0]} TO {facts['role']}; if they should."))
    return found


def _way(target: Target) -> list[Finding]:
    settings = conninfo.resolve(target.dsn)
    near = settings["host"].startswith(("/", "127.")) or settings["host"] in ("localhost", "::1")
    if near or settings.get("sslmode") in ("verify-ca", "verify-full"):
        return []
    what = f"the way to {settings['host']} is not sure to be encrypted, to the right server"
    return [Finding("warns", what, "Say sslmode=verify-full sslrootcert=… in the dsn.")]


_NO_MORE = "no more than SELECT, INSERT, UPDATE and DELETE, or mask something: then such code is refused"


async def _readable_masked(connection: Connection, target: Target, catalog: Catalog) -> list[Finding]:
    """Which walls stand: whether the role itself can read what is masked."""
    policy = load_policy(target.policy.read_text("utf-8"), str(target.policy))
    masked = [
        (relation.schema, relation.name, column.name)
        for relation in catalog.relations.values()
        if relation.kind in TABLE_KINDS and relation.persistence != "t"
        for column in relation.columns
        if not policy.column("", relation.schema, relation.name, column.name).clear
    ]
    if not masked:
        found = [Finding("warns", "the policy masks nothing that this database has")]
        if policy.hides_nothing:
            what = "code in DO blocks and functions runs unread: only privileges stop what no rollback undoes"
            found.append(Finding("warns", what, f"Give the role {_NO_MORE}."))
        return found
    readable = await connection.rows(diagnose.readable_columns(masked))
    if not readable:
        return [
            Finding("notes", f"both walls stand: the role cannot read any of {len(masked)} masked columns")
        ]
    count = f"{len(readable)} of {len(masked)}"
    what = f"one wall stands, the rewriting: the role itself can read {count} masked columns"
    return [Finding("notes", what)]


def _named(sequence: Mapping[str, Any]) -> str:
    return f"{sequence['schema']}.{sequence['name']}"


_KIND = {
    "standby": "a physical standby",
    "subscriber": "a logical replica",
    "clone": "a clone",
    "primary": "the primary, by name",
    "unnamed": "perhaps the primary",
}
_UNREACHABLE = "Check host, port, user and password of the dsn, and pg_hba.conf of the server."
_GRANT = "devinprod setup prints the grants."
