"""What was a statement found to do?  Gathered by ``sql/gather_facts.py``, judged by ``decide``.

Locations are byte offsets from 0 in the client's text, as libpg_query gives them; -1: unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["read", "insert", "update", "delete", "truncate", "lock", "ddl"]
RelationKind = Literal[
    "table", "view", "matview", "foreign", "catalog", "temp", "session", "sequence", "unknown"
]
"""``session``: made inside this session, so it holds nothing that its maker could not read."""


@dataclass(frozen=True, slots=True)
class RelationUse:
    """One relation that the statement names, as the server would resolve it."""

    schema: str
    name: str
    kind: RelationKind
    access: Access
    masked: bool
    """True when the role sees at least one of its columns masked."""
    location: int = -1


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """One function, aggregate, operator or cast that the statement calls.

    ``schema`` is where the server would find it: ``pg_catalog``, a schema of the company's own, or
    None if nothing of that name is known. ``identities`` are the candidates of that name, such as
    ``public.order_total(bigint)``; for pg_catalog it is empty.
    ``constants`` are the arguments where they are string constants, else None, by position:
    ``set_config`` and its kind are judged by them.
    """

    schema: str | None
    name: str
    identities: tuple[str, ...] = ()
    constants: tuple[str | None, ...] = ()
    location: int = -1
    how: Literal["call", "operator", "cast"] = "call"
    extension: str | None = None
    """The extension that all candidates belong to, if one does."""


@dataclass(frozen=True, slots=True)
class SettingUse:
    """A run-time setting that SET, RESET, SHOW or a function touches."""

    name: str
    value: str | None
    access: Literal["set", "reset", "show"]
    location: int = -1


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """All that ``decide`` may base its judgement on."""

    node: str
    """libpg_query's name of the statement's node, in snake case: ``select_stmt``, ``copy_stmt``."""
    relations: tuple[RelationUse, ...] = ()
    functions: tuple[FunctionUse, ...] = ()
    settings: tuple[SettingUse, ...] = ()
    details: frozenset[str] = frozenset()
    """Flags of one node kind that matter: ``copy_file``, ``copy_program``, ``concurrently``,
    ``opaque_body`` (DO, CREATE FUNCTION), ``alter:rename``, ``alter:inherit``, ``ddl_expression`` ..."""
    not_understood: str | None = None
    """Set when gathering met something it does not know: the statement is then refused."""
    location: int = -1
