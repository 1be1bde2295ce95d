"""Statements that nobody would think of, over the schema of these tests.

Most fail on the server (names do not resolve, types do not fit). That is meant: what a client may
try is not only what makes sense, and the aliases are chosen to be in the rewriter's way.
"""

from __future__ import annotations

from random import Random

TABLES = {
    "customers": "id name email nick phone birthday notes settings created_at",
    "orders": "id customer_id total status created_at",
    "contacts": "id customer_id mail tags raw",
    "events": "id at who what",
    "events_1": "id at who what",
    "animals": "id name",
    "dogs": "id name breed",
    "paying": "id name mail n",
    "mails": "who m",
    "roster": "id nick",
    "snapshot": "id email",
    "unnamed": "id word",
    "guarded": "id secret word loud",
    "products": "id name price",
    "nested": "word id",
}
ALIASES = (
    "a",
    "b",
    "customers",
    "orders",
    "email",
    "__t",
    "__v",
    "__o",
    "excluded",
    "old",
    "new",
    "x y",
    "id",
)
WRITTEN = {
    "customers": "name email nick notes phone",
    "contacts": "mail",
    "events": "who what",
    "dogs": "name breed",
    "guarded": "secret word",
    "products": "name",
}
STRAY = (
    "email",
    "name",
    "__t.email",
    "customers.email",
    "public.customers.email",
    "__t",
    "excluded.email",
    "old.email",
)


def quoted(name: str) -> str:
    """The name as an identifier."""
    return f'"{name}"'


class Level:
    """What a query level may name: aliases with their columns, and WITH queries."""

    def __init__(self, outer: Level | None = None) -> None:
        self.items: list[tuple[str, list[str]]] = []
        self.outer = outer
        self.ctes: list[str] = list(outer.ctes) if outer else []


class Statements:
    """One stream of random statements."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one(self) -> str:
        """The next statement."""
        return self.select(None, 2) if self.random.random() < 0.55 else self.write(None, 2)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def column(self, level: Level) -> str:
        items = list(level.items)
        if level.outer and self.chance(0.4):
            items += level.outer.items
        if not items or self.chance(0.03):
            return self.random.choice(STRAY)
        alias, columns = self.random.choice(items)
        row, name = quoted(alias), quoted(self.random.choice([*columns, "id"]))
        forms = (
            [f"{row}.{name}"] * 4
            + [name] * 3
            + [row, f"({row}).{name}", f"{row}.*::text", f"({row}.*).{name}"]
        )
        return self.random.choice(forms)

    def expression(self, level: Level, depth: int) -> str:
        if depth <= 0 or self.chance(0.4):
            return self.column(level)
        inner = depth - 1
        form = self.random.choice(
            [
                "cast",
                "coalesce",
                "call",
                "scalar",
                "case",
                "concat",
                "array",
                "row",
                "exists",
                "aggregate",
                "constant",
                "call",
                "scalar",
            ]
        )
        if form == "cast":
            return f"({self.expression(level, inner)})::text"
        if form == "coalesce":
            return f"coalesce({self.expression(level, inner)}::text, 'n')"
        if form == "call":
            name = self.random.choice(
                ["md5", "length", "row_to_json", "to_jsonb", "quote_literal", "upper", "concat"]
            )
            return f"{name}({self.expression(level, inner)})"
        if form == "scalar":
            return f"(SELECT {self.body(level, inner)} LIMIT 1)"
        if form == "case":
            when = self.predicate(level, inner)
            return f"CASE WHEN {when} THEN {self.expression(level, inner)}::text ELSE '-' END"
        if form == "concat":
            return f"({self.expression(level, inner)}::text || {self.expression(level, inner)}::text)"
        if form == "array":
            return f"ARRAY(SELECT {self.body(level, inner)} LIMIT 2)::text"
        if form == "row":
            return f"ROW({self.expression(level, inner)}, {self.expression(level, inner)})::text"
        if form == "exists":
            return f"EXISTS (SELECT {self.body(level, inner)})"
        if form == "aggregate":
            return f"(SELECT string_agg(t::text, ',') FROM ({self.select(level, inner)}) t)"
        return self.random.choice(["'x'", "1", "NULL", "current_date::text"])

    def body(self, outer: Level, depth: int) -> str:
        level = Level(outer)
        source = self.source(level, depth)
        return f"{self.expression(level, depth)} {source}"

    def predicate(self, level: Level, depth: int) -> str:
        if depth <= 0 or self.chance(0.5):
            sign = self.random.choice(["=", "<>", "<", "LIKE"])
            other = self.random.choice([f"{self.column(level)}::text", "'%a%'"])
            return f"{self.column(level)}::text {sign} {other}"
        inner = depth - 1
        form = self.random.choice(["null", "and", "and", "or", "not"])
        if form == "null":
            return f"{self.expression(level, inner)} IS NOT NULL"
        if form == "not":
            return f"NOT {self.predicate(level, inner)}"
        return f"({self.predicate(level, inner)} {form} {self.predicate(level, inner)})"

    def item(self, level: Level, depth: int) -> tuple[str, tuple[str, list[str]]]:
        taken = {alias for alias, _ in level.items}
        free = [a for a in (*ALIASES, "t1", "t2", "t3", "t4") if a not in taken]
        alias = self.random.choice(free)
        if level.ctes and self.chance(0.25):
            name = self.random.choice(level.ctes)
            return f"{quoted(name)} AS {quoted(alias)}", (alias, ["id", "email", "name"])
        if depth > 0 and self.chance(0.3):
            lateral = self.random.choice(["", "LATERAL "])
            return f"{lateral}({self.select(level, depth - 1)}) AS {quoted(alias)}", (alias, ["id", "email"])
        table = self.random.choice([*TABLES, *["customers"] * 6])
        columns = TABLES[table].split()
        text = (
            self.random.choice(["", "", "ONLY "])
            + self.random.choice(["", "public.", "shop.public."])
            + table
        )
        if table not in taken and self.chance(0.35):
            return text, (table, columns)
        if self.chance(0.15):
            renamed = [f"c{n}" for n in range(self.random.randint(1, len(columns)))]
            return f"{text} AS {quoted(alias)} ({', '.join(renamed)})", (alias, renamed)
        return f"{text} AS {quoted(alias)}", (alias, columns)

    def source(self, level: Level, depth: int) -> str:
        text, item = self.item(level, depth)
        level.items.append(item)
        while self.chance(0.3) and len(level.items) < 3:
            more, item = self.item(level, depth)
            level.items.append(item)
            text += self.random.choice(
                [f", {more}", f" LEFT JOIN {more} ON {self.predicate(level, 0)}", f" JOIN {more} USING (id)",
                 f" NATURAL JOIN {more}", f" JOIN {more} ON true"]
            )  # fmt: skip
        where = f" WHERE {self.predicate(level, depth)}" if self.chance(0.5) else ""
        return f"FROM {text}{where}"

    def select(self, outer: Level | None, depth: int) -> str:
        level, head = Level(outer), ""
        if depth > 0 and self.chance(0.2):
            name = self.random.choice(["customers", "orders", "x", "__t", "contacts"])
            query = self.select(level, depth - 1) if self.chance(0.8) else self.write(level, depth - 1)
            head = f"WITH {self.random.choice(['', 'RECURSIVE '])}{quoted(name)} AS ({query}) "
            level.ctes.append(name)
        source = self.source(level, depth)
        alias = quoted(self.random.choice(level.items)[0])
        listed = ", ".join(
            self.expression(level, depth) + self.random.choice(["", " AS email", " AS id", " AS z"])
            for _ in range(self.random.randint(1, 3))
        )
        targets = self.random.choice(["*", f"{alias}.*", listed, listed, listed, listed])
        text = f"{head}SELECT {self.random.choice(['', '', 'DISTINCT '])}{targets} {source}"
        if self.chance(0.1):
            text += f" GROUP BY {self.column(level)}"
        if self.chance(0.15):
            text += f" ORDER BY {self.random.choice(['1', self.column(level)])}"
        return text + (" FOR UPDATE" if self.chance(0.05) else "")

    def write(self, outer: Level | None, depth: int) -> str:
        level = Level(outer)
        table = self.random.choice([*WRITTEN, "customers", "customers"])
        alias = self.random.choice([table, table, "c", "__t", "email"])
        level.items.append((alias, TABLES[table].split()))
        target = f"{self.random.choice(['', 'public.'])}{table} AS {quoted(alias)}"
        returning = self.returning(level, alias, depth)
        verb = self.random.choice(["update", "update", "delete", "insert", "merge"])
        if verb == "insert":
            column = WRITTEN[table].split()[0]
            conflict = self.random.choice(
                ["", f" ON CONFLICT (id) DO UPDATE SET {self.assignments(level, table, depth)}"]
            )
            key = self.random.choice([1, 901])
            return f"INSERT INTO {target} (id, {column}) VALUES ({key}, 'v'){conflict}{returning}"
        if verb == "merge":
            text, item = self.item(level, depth)
            level.items.append(item)
            then = f"UPDATE SET {self.assignments(level, table, depth)}"
            when = f"WHEN MATCHED AND {self.predicate(level, 0)} THEN {then}"
            return f"MERGE INTO {target} USING {text} ON {self.predicate(level, depth)} {when}{returning}"
        more = ""
        if self.chance(0.3):
            text, item = self.item(level, depth)
            level.items.append(item)
            more = f" {'FROM' if verb == 'update' else 'USING'} {text}"
        where = f" WHERE {self.predicate(level, depth)}" if self.chance(0.7) else ""
        if verb == "delete":
            return f"DELETE FROM {target}{more}{where}{returning}"
        return f"UPDATE {target} SET {self.assignments(level, table, depth)}{more}{where}{returning}"

    def assignments(self, level: Level, table: str, depth: int) -> str:
        columns = WRITTEN[table].split()
        if len(columns) > 1 and self.chance(0.15):
            one, two = self.random.sample(columns, 2)
            inner = Level(level)
            source = self.source(inner, depth)
            values = f"({self.expression(inner, depth)})::text, ({self.expression(inner, depth)})::text"
            return f"({one}, {two}) = (SELECT {values} {source} LIMIT 1)"
        chosen = self.random.sample(columns, self.random.randint(1, len(columns)))
        return ", ".join(f"{c} = ({self.expression(level, depth)})::text" for c in chosen)

    def returning(self, level: Level, alias: str, depth: int) -> str:
        return self.random.choice(
            ["", " RETURNING *", f" RETURNING {quoted(alias)}.*", " RETURNING WITH (OLD AS o, NEW AS n) o.*, n.id, o",
             " RETURNING old.*, new, old.id", f" RETURNING {self.expression(level, depth)}",
             f" RETURNING {self.expression(level, depth)}, {self.expression(level, depth)} AS email"]
        )  # fmt: skip
