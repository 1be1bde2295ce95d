"""What did one walk over a statement find?  The places that the passes change, and the facts.

:mod:`gather_facts` fills a :class:`Reading`; ``decide`` judges what :meth:`Reading.facts` says; the
passes change the tree at the recorded places, so that nobody walks it a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.facts import (
    Access,
    FunctionUse,
    RelationKind,
    RelationUse,
    SettingUse,
    StatementFacts,
)
from devinprod_proxy.sql.catalog import Function, Relation
from devinprod_proxy.sql.parse import Message
from devinprod_proxy.sql.statement import Setting

if TYPE_CHECKING:
    from devinprod_proxy.sql.expand_views import ViewBody

Verb = Literal["insert", "update", "delete", "merge"]


class Scope:
    """One query level: what its FROM brings in, and the WITH names that it and its inner levels see."""

    __slots__ = ("ctes", "items", "joined", "parent", "parts", "star", "starred", "statement", "versions")

    def __init__(self, parent: Scope | None, statement: Message = None) -> None:
        self.parent = parent
        self.statement = statement
        self.ctes: dict[str, Cte] = {}
        self.items: list[Item] = []
        self.parts: list[Scope] = []
        """The two halves of a set operation."""
        self.versions: list[Item] = []
        """What RETURNING calls ``old`` and ``new``."""
        self.star = False
        """A bare ``*``: every column of every item."""
        self.starred: set[str] = set()
        """Names before ``.*``."""
        self.joined = False
        """NATURAL, USING or a named join: columns merge, so a ``*`` is not the sum of the items."""

    def cte(self, name: str) -> Cte | None:
        """The WITH query that an unqualified name means here, innermost first (manual 7.8)."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.ctes.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None


@dataclass(slots=True, eq=False)
class Cte:
    """One WITH query. ``renamed``: its name in the text that runs, where a table has that name too."""

    name: str
    message: Message
    query: Scope | None = None
    columns: tuple[str, ...] = ()
    renamed: str | None = None
    uses: list[Message] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Site:
    """One relation that a statement reads in FROM. ``node`` is the Node that the pass replaces."""

    node: Message
    var: Message
    schema: str
    name: str
    relation: Relation | None
    """None: one of PostgreSQL's own."""
    scope: Scope
    alias: str
    view: ViewBody | None = None


@dataclass(slots=True, eq=False)
class Item:
    """One named item of FROM: a relation, a WITH query, a subquery, or something without known columns."""

    alias: str
    site: Site | None = None
    cte: Cte | None = None
    query: Scope | None = None
    target: Target | None = None
    lateral: bool = False
    columns: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Target:
    """The table that INSERT, UPDATE, DELETE or MERGE writes."""

    verb: Verb
    statement: Message
    relation: Relation
    scope: Scope
    alias: str


@dataclass(slots=True, eq=False)
class CopyTarget:
    """The relation that COPY TO reads; PostgreSQL's own are (schema, name)."""

    statement: Message
    relation: Relation | tuple[str, str]


@dataclass(slots=True)
class Reading:
    """Everything that one walk found. The tree itself is still as the client wrote it."""

    node: str = ""
    refusal: Refusal | None = None
    """Set when the statement cannot be meant: a relation that does not exist ..."""
    not_understood: str | None = None
    location: int = -1
    sites: list[Site] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    copies: list[CopyTarget] = field(default_factory=list)
    truncated: list[Relation] = field(default_factory=list)
    ctes: list[Cte] = field(default_factory=list)
    queries: list[Scope] = field(default_factory=list)
    grouped: list[Scope] = field(default_factory=list)
    moments: list[Message] = field(default_factory=list)
    """Nodes that mean the start of the transaction: now(), CURRENT_DATE ..."""
    calls: list[tuple[Message, str, tuple[Function, ...]]] = field(default_factory=list)
    """Nodes of calls: the function's name, and the company's own that may be meant."""
    from_calls: list[Message] = field(default_factory=list)
    """Those of them that stand in FROM."""
    long_names: list[Message] = field(default_factory=list)
    """ColumnRefs of three names and more."""
    names: set[str] = field(default_factory=set)
    """The last name of every column reference, and USING's columns: what can be meant by them."""
    relations: list[RelationUse] = field(default_factory=list)
    reached: list[Relation] = field(default_factory=list)
    """Tables that a write passes on to: children, and where foreign keys cascade to."""
    functions: list[FunctionUse] = field(default_factory=list)
    settings: list[SettingUse] = field(default_factory=list)
    set_calls: list[Setting] = field(default_factory=list)
    details: set[str] = field(default_factory=set)
    cursor: str | None = None
    """WHERE CURRENT OF."""
    locks_rows: bool = False
    creates: bool = False
    uses_now: bool = False
    qualified: bool = False
    """Operators were given their schema, which changes how tightly they bind."""
    top: Scope | None = None
    """The query whose rows the statement returns."""
    collects: bool = False
    """ARRAY(SELECT ...), JSON_ARRAYAGG: many rows in one value, without a call."""
    probed: list[tuple[Scope, str, str]] = field(default_factory=list)
    """Where an aggregate finds people: query level, item, key column."""
    parameters: int = 0

    def refuse(self, refusal: Refusal, location: int = -1) -> None:
        """Remember the first reason why this cannot run; ``position`` is still a byte offset from 0."""
        if self.refusal is None:
            self.refusal = refusal.at(location)

    def unclear(self, what: str, location: int = -1) -> None:
        """Remember the first thing that was not understood."""
        if self.not_understood is None:
            self.not_understood = what
            self.location = location

    def use(
        self, schema: str, name: str, kind: RelationKind, access: Access, masked: bool, location: int
    ) -> None:
        """Note a relation that takes part."""
        self.relations.append(RelationUse(schema, name, kind, access, masked, location))

    def facts(self) -> StatementFacts:
        """What ``decide`` is told."""
        return StatementFacts(
            node=self.node,
            relations=tuple(self.relations),
            functions=tuple(self.functions),
            settings=tuple(self.settings),
            details=frozenset(self.details),
            not_understood=self.not_understood,
            location=self.location,
        )

    def unnamed_results(self) -> list[Message]:
        """The ResTargets of all SELECT lists whose column is named after its expression."""
        return [
            node.res_target
            for scope in self.queries
            for node in scope.statement.target_list
            if not node.res_target.name
        ]

    def written(self) -> Iterator[Relation]:
        """The tables that are written."""
        for target in self.targets:
            yield target.relation
        yield from self.truncated
