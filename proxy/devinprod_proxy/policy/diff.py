"""What does a change of the policy show that was hidden, and hide that was shown?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devinprod_proxy.policy.model import Mask, Policy

EVERYBODY = ""
"""The role of a change that concerns all roles without a rule of their own."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``reveals``: somebody sees more than before, or may find or run more."""

    what: str
    before: str
    after: str
    reveals: bool
    role: str = EVERYBODY

    def __str__(self) -> str:
        whose = f" for role {self.role}" if self.role else ""
        sign = "REVEALS" if self.reveals else "hides"
        return f"{sign}: {self.what}{whose}: {self.before} -> {self.after}"


def diff(old: Policy, new: Policy) -> list[Change]:
    """All differences between two policies, those that reveal something first.

    Compares what the rules mean: a column that was named and now falls under a default is a change
    only if the default says something else.

    >>> [str(c) for c in diff(Policy(), Policy(default=Mask("clear")))]
    ['REVEALS: columns that no rule names: closed -> clear']
    """
    found = [*_defaults(old, new), *_columns(old, new), *_subjects(old, new), *_functions(old, new)]
    return sorted(found, key=lambda change: (not change.reveals, change.what, change.role))


def _defaults(old: Policy, new: Policy) -> Iterator[Change]:
    yield from _change("columns that no rule names", old.default, new.default)
    for schema in sorted(old.schemas.keys() | new.schemas.keys()):
        before, after = old.schemas.get(schema, old.default), new.schemas.get(schema, new.default)
        if schema not in old.schemas or schema not in new.schemas or before != after:
            yield from _change(f"unnamed columns of schema {schema}", before, after)


def _columns(old: Policy, new: Policy) -> Iterator[Change]:
    roles = [EVERYBODY, *sorted(old.roles.keys() | new.roles.keys())]
    named: dict[tuple[str, str], set[str]] = {}
    for policy in (old, new):
        for tables in (policy.tables, *(role.tables for role in policy.roles.values())):
            for key, rule in tables.items():
                named.setdefault(key, set()).update(rule.columns)
    for (schema, table), columns in sorted(named.items()):
        for column in [*sorted(columns), "*"]:  # no column is called *: it stands for the unnamed ones
            everybody = None
            for role in roles:
                before = old.column(role, schema, table, column)
                after = new.column(role, schema, table, column)
                if role == EVERYBODY:
                    everybody = (before, after)
                elif (before, after) == everybody:
                    continue  # said once, for everybody
                what = (
                    f"{schema}.{table}.{column}" if column != "*" else f"unnamed columns of {schema}.{table}"
                )
                yield from _change(what, before, after, role)


def _subjects(old: Policy, new: Policy) -> Iterator[Change]:
    for key in sorted(old.tables.keys() | new.tables.keys()):
        before, after = (p.tables[key].subject if key in p.tables else None for p in (old, new))
        if before != after:
            # Whose rows are counted: fewer counted people are more that can be read.
            yield Change(f"subject of {'.'.join(key)}", before or "none", after or "none", after is None)


def _functions(old: Policy, new: Policy) -> Iterator[Change]:
    openness = {"refused": 0, "masked": 1, "safe": 2}
    for identity in sorted(old.functions.keys() | new.functions.keys()):
        before, after = old.functions.get(identity, "refused"), new.functions.get(identity, "refused")
        if before != after:
            yield Change(f"function {identity}", before, after, openness[after] > openness[before])


def _change(what: str, before: Mask, after: Mask, role: str = EVERYBODY) -> Iterator[Change]:
    if before != after:
        yield Change(what, _said(before), _said(after), _reveals(before, after), role)


def _reveals(before: Mask, after: Mask) -> bool:
    if before.clear:
        return False
    if after.clear:
        return True
    if _openness(after) > _openness(before):
        return True
    if after.domain is not None and before.domain != after.domain:
        return True  # joins with another table become possible
    return {"no": 0, "counted": 1, "token": 2}[after.lookup] > {"no": 0, "counted": 1, "token": 2}[
        before.lookup
    ]


def _openness(mask: Mask) -> int:
    """How much of a value's form a mask keeps: a mask of one group can take another's place unasked."""
    if mask.kind in ("null", "constant"):
        return 0
    if mask.kind in ("digits", "json", "array", "sql"):
        return 2 if not mask.options else 3
    return 1


def _said(mask: Mask) -> str:
    parts = [mask.kind]
    if mask.domain:
        parts.append(f"domain {mask.domain}")
    if mask.lookup != "no":
        parts.append(f"lookup {mask.lookup}")
    parts += [f"{name} {_value(value)}" for name, value in mask.options]
    return ", ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, Mask):
        return _said(value)
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{path}: {_value(mask)}" for path, mask in value) + "}"
    return str(value)
