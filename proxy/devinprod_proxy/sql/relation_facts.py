"""Which relations does a statement use, and what else happens when it writes one?

Relations are looked up along ``search_path`` with ``pg_temp`` and ``pg_catalog`` in front (manual
5.10.3). A write fires triggers, here, on partitions and wherever a foreign key passes it on; rules
would run other statements instead of it.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.decide import decide
from devinprod_proxy.policy.facts import Access, FunctionUse, RelationKind, StatementFacts
from devinprod_proxy.sql.call_facts import CallFacts
from devinprod_proxy.sql.catalog import Relation
from devinprod_proxy.sql.expand_views import ViewBodies, merge_body
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import Message
from devinprod_proxy.sql.reading import Item, Reading, Scope, Target, Verb
from devinprod_proxy.sql.world import World

KINDS: dict[str, RelationKind] = {
    "r": "table", "p": "table", "v": "view", "m": "matview", "f": "foreign", "S": "sequence",
}  # fmt: skip
"""What ``decide`` calls each relkind; the others are not relations that a query can read."""
_EVENTS: dict[Verb, tuple[Access, ...]] = {
    "insert": ("insert",), "update": ("update",), "delete": ("delete",),
    "merge": ("insert", "update", "delete"),
}  # fmt: skip
_TRIGGER_BITS = {"insert": 4, "delete": 8, "update": 16, "truncate": 32}
"""pg_trigger.tgtype, as in pg_trigger.h."""


class RelationFacts(CallFacts):
    """The part of the walk that resolves relations and notes what is done to them."""

    def __init__(self, world: World, sight: MaskedColumns, views: ViewBodies, path: tuple[str, ...]) -> None:
        super().__init__(world.catalog, path, Reading())
        self.world = world
        self.sight = sight
        self.views = views

    def permits(self, use: FunctionUse) -> bool:
        """Whether ``decide`` would let a statement call this."""
        facts = StatementFacts("select_stmt", functions=(use,))
        return not isinstance(decide(facts, self.world.policy, self.world.role), Refusal)

    def closes(self, identity: str) -> bool:
        """Whether the result of an own function is to be masked."""
        return self.world.policy.functions.get(identity) == "masked"

    # -- names ---------------------------------------------------------------------------------

    def used(self, relation: Relation, access: Access, location: int) -> None:
        """Note the use of an own relation."""
        kind = KINDS.get(relation.kind, "unknown")
        if relation.persistence == "t":
            kind = "temp"
        elif self.sight.own(relation):
            kind = "session"
        masked = self.sight.masked(relation)
        if relation.kind == "v" and kind == "view":
            masked = self.views.body(relation).shows_masked
        self.reading.use(relation.schema, relation.name, kind, access, masked, location)

    def own_relation(self, var: Message) -> Relation | None:
        """The relation that a write or DDL names; PostgreSQL's own are never written."""
        relation = self.resolve(var)
        if isinstance(relation, tuple):
            self.reading.refuse(
                Refusal("42501", f"permission denied: {relation[0]}.{relation[1]} is a system catalog"),
                var.location,
            )
            return None
        return relation

    def find(self, var: Message) -> Relation | None:
        """The own relation that a RangeVar means, without complaint."""
        return self.look_up([n for n in (var.schemaname, var.relname) if n])

    def look_up(self, names: list[str]) -> Relation | None:
        """The own relation of a name of one to three parts."""
        schemas = (self.catalog.schema_named(names[-2]),) if len(names) > 1 else self.path
        for schema in schemas:
            relation = self.catalog.names.get((schema, names[-1]))
            if relation is not None:
                return relation
        return None

    def resolve(self, var: Message) -> Relation | tuple[str, str] | None:
        """The relation that a RangeVar means, None (and a refusal) when there is none."""
        name = var.relname
        if var.catalogname and var.catalogname != self.catalog.database:
            full = f"{var.catalogname}.{var.schemaname}.{name}"
            self.reading.refuse(
                Refusal("0A000", f'cross-database references are not implemented: "{full}"'), var.location
            )
            return None
        if var.schemaname:
            schemas: tuple[str, ...] = (self.catalog.schema_named(var.schemaname),)
        else:
            schemas = self.path
        for schema in schemas:
            relation = self.catalog.names.get((schema, name))
            if relation is not None:
                return relation
            if (schema, name) in self.catalog.catalogs:
                return schema, name
        shown = f"{var.schemaname}.{name}" if var.schemaname else name
        self.reading.refuse(Refusal("42P01", f'relation "{shown}" does not exist'), var.location)
        return None

    # -- writes --------------------------------------------------------------------------------

    def write(self, verb: Verb, stmt: Message, var: Message, scope: Scope) -> None:
        """Note the table that a statement writes; never a WITH query (parse_clause.c, setTargetTable)."""
        relation = self.own_relation(var)
        if relation is None:
            return
        alias = var.alias.aliasname or var.relname
        if relation.kind == "v" and not self.sight.own(relation):
            self.writes_view(relation, verb, var.location)
        target = Target(verb, stmt, relation, scope, alias)
        self.reading.targets.append(target)
        scope.items.append(Item(alias, target=target))
        for access in _EVENTS[verb]:
            self.used(relation, access, var.location)
            self.triggers(relation, access, var.location)
        self.writable(relation, var.location)

    def writable(self, relation: Relation, location: int) -> None:
        """Rules run other statements instead; a foreign table's server knows nothing of a rollback."""
        if relation.has_rules and not self.world.policy.hides_nothing:
            self.reading.unclear(f"what the rules of {relation.full_name} do", location)
        _, descendants = self.catalog.family(relation)
        if any(each.kind == "f" for each in (relation, *descendants)):
            self.reading.unclear(f"what a write to the foreign table {relation.full_name} does", location)

    def writes_view(self, view: Relation, verb: Verb, location: int) -> None:
        """A write to a view is one to its table, if nothing of that is masked."""
        body = self.views.body(view)
        merge_body(self.reading, body, location)
        if body.shows_masked:
            self.reading.unclear(f"a write to {view.full_name}, a view with masked columns", location)
            return
        for site in body.reading.sites:
            if site.relation is not None and site.relation.kind != "v":
                for access in _EVENTS[verb]:
                    self.triggers(site.relation, access, location)

    def triggers_of(self, access: Access, scope: Scope) -> None:
        """ON CONFLICT DO UPDATE fires the triggers of UPDATE too."""
        for item in scope.items:
            if item.target is not None:
                self.used(item.target.relation, access, -1)
                self.triggers(item.target.relation, access, -1)

    def triggers(self, relation: Relation, access: Access, location: int) -> None:
        """The company's own trigger functions that a write fires, here and where it cascades to."""
        queue: list[tuple[Relation, Access]] = [(relation, access)]
        seen: set[tuple[int, Access]] = set()
        while queue:
            current, event = queue.pop()
            if (current.oid, event) in seen:
                continue
            seen.add((current.oid, event))
            self.reading.reached.append(current)
            for trigger in self.catalog.triggers.get(current.oid, ()):
                if trigger.enabled != "D" and trigger.events & _TRIGGER_BITS[event]:
                    self.reading.functions.append(
                        FunctionUse(trigger.schema, trigger.function, (trigger.identity,), (), location)
                    )
            for child in self.catalog.children.get(current.oid, ()):
                if child in self.catalog.relations:
                    queue.append((self.catalog.relations[child], event))
            if event == "insert":
                continue
            if event == "update" and (current.kind == "p" or current.parents):
                # A row that moves to another partition is deleted here and inserted there.
                queue += [(current, "delete"), (current, "insert")]
                queue += [(each, "insert") for each in self.catalog.family(current)[0]]
            for key in self.catalog.referencing.get(current.oid, ()):
                action = key.on_update if event == "update" else key.on_delete
                table = self.catalog.relations.get(key.table)
                if table is not None and action in "cnd" and event in ("update", "delete"):
                    queue.append((table, "delete" if action == "c" and event == "delete" else "update"))
                elif table is not None and event == "truncate":
                    queue.append((table, "truncate"))
