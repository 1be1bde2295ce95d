"""Does the policy fit the schema that is there now?

What the policy names and the schema has not is an error: a column that was renamed has lost its
rule (and is closed).  What the schema has and the policy does not name is a warning: it is closed,
or what the file's defaults say, but nobody has decided it.
"""

from __future__ import annotations

import tomllib

from devinprod_proxy.policy.load import load_policy, table_key
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.server.findings import Finding, some
from devinprod_proxy.sql.catalog import TABLE_KINDS, Catalog, Function, Relation


def check_policy(text: str, file: str, catalog: Catalog) -> list[Finding]:
    """Every finding about the policy *text*, the worst first.  Raises PolicyInvalid when it is none."""
    policy = load_policy(text, file)
    return [
        *_vanished(policy, catalog),
        *_unclassified(policy, catalog),
        *_without_subject(policy, catalog, _said_to_be_nobodys(text)),
        *_functions(policy, catalog),
    ]


def _said_to_be_nobodys(text: str) -> set[tuple[str, str] | None]:
    """Tables with ``subject = "none"``: the policy itself no longer tells them from silent ones."""
    tables = tomllib.loads(text).get("tables", {})
    return {table_key(name) for name, rule in tables.items() if rule.get("subject") == "none"}


def _vanished(policy: Policy, catalog: Catalog) -> list[Finding]:
    found = []
    everywhere = [policy.tables, *(role.tables for role in policy.roles.values())]
    for key, rule in [item for tables in everywhere for item in tables.items()]:
        name = ".".join(key)
        relation = catalog.names.get(key)
        if relation is None:
            found.append(Finding("blocks", f"the policy names {name}, which does not exist", _RENAMED))
            continue
        gone = [column for column in rule.columns if column not in relation.by_name]
        if gone:
            found.append(
                Finding("blocks", f"the policy names columns that {name} has not: {some(gone)}", _RENAMED)
            )
        if rule.subject is not None and rule.subject not in relation.by_name:
            what = f'the subject of {name} is "{rule.subject}", which is no column of it: nobody is counted'
            found.append(Finding("blocks", what, _RENAMED))
    known = {function.identity for function in _every_function(catalog)}
    gone = [identity for identity in policy.functions if identity not in known]
    if gone:
        found.append(
            Finding("blocks", f"the policy names functions that do not exist: {some(gone)}", _RENAMED)
        )
    return found


def _unclassified(policy: Policy, catalog: Catalog) -> list[Finding]:
    found = []
    for relation in _tables(catalog):
        rule = policy.table(relation.schema, relation.name)
        if rule is not None and rule.default is not None:
            continue
        unnamed = [c.name for c in relation.columns if rule is None or c.name not in rule.columns]
        default = policy.schemas.get(relation.schema, policy.default)
        if unnamed:
            what = f"{relation.full_name}: no rule names {some(unnamed)} ({default.kind} by default)"
            found.append(Finding("warns", what, "Name them, or give the table a default."))
    return found


def _without_subject(policy: Policy, catalog: Catalog, nobodys: set[tuple[str, str] | None]) -> list[Finding]:
    nobody = [
        relation.full_name
        for relation in _tables(catalog)
        if (rule := policy.table(relation.schema, relation.name)) is not None
        and rule.subject is None
        and (relation.schema, relation.name) not in nobodys
        and any(not policy.column("", *_at(relation, column.name)).clear for column in relation.columns)
    ]
    if not nobody:
        return []
    do = 'Say subject = "column whose values are people", or subject = "none".'
    return [Finding("warns", f"masked tables without a subject, whose rows count nobody: {some(nobody)}", do)]


def _functions(policy: Policy, catalog: Catalog) -> list[Finding]:
    if policy.hides_nothing:
        return []
    own = [f.identity for f in _every_function(catalog) if f.extension is None]
    unnamed = sorted(identity for identity in own if identity not in policy.functions)
    firing = {t.identity for triggers in catalog.triggers.values() for t in triggers if t.enabled != "D"}
    found = []
    fire = [identity for identity in unnamed if identity in firing]
    if fire:
        what = (
            f"trigger functions that no rule names, so that writes which fire them are refused: {some(fire)}"
        )
        found.append(Finding("warns", what, _NAME_FUNCTION))
    call = [identity for identity in unnamed if identity not in firing]
    if call:
        what = f"functions that no rule names, so that calls of them are refused: {some(call)}"
        found.append(Finding("warns", what, _NAME_FUNCTION))
    return found


_RENAMED = "Was it renamed or dropped? A renamed column has lost its rule."
_NAME_FUNCTION = 'Read it, then name it under [functions]: "safe", or "masked".'


def _tables(catalog: Catalog) -> list[Relation]:
    every = [r for r in catalog.relations.values() if r.kind in TABLE_KINDS and r.persistence != "t"]
    return sorted(every, key=lambda relation: (relation.schema, relation.name))


def _every_function(catalog: Catalog) -> list[Function]:
    return [function for overloads in catalog.functions.values() for function in overloads]


def _at(relation: Relation, column: str) -> tuple[str, str, str]:
    return relation.schema, relation.name, column
