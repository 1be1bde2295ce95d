"""What does a closed column show?  An opaque value of its own type."""

from __future__ import annotations

from devinprod_proxy.policy.masks.column import H, Target
from devinprod_proxy.policy.masks.pieces import below, dense, hexadecimal, integer, joined, text
from devinprod_proxy.policy.masks.quoting import literal

_MICROSECONDS_OF_50_YEARS = 1_577_836_800_000_000


def closed(target: Target) -> str:
    """The closed value as an SQL expression; NULL of the type where there is nothing better.

    Booleans, enums, ranges and shapes become one constant: with so few values, equality would tell.
    """
    return _closed(target) or target.null()


def _closed(target: Target) -> str | None:
    kind = target.type
    match kind.family:
        case "text":
            return target.scalar(closed_text(kind.length))
        case "char":
            return target.constant("?")
        case "integer":
            bits = {"smallint": 15, "bigint": 63}.get(kind.name, 31)
            return target.scalar(integer(bits))
        case "numeric":
            return target.scalar(numeric(target))
        case "float":
            return target.scalar(
                f"({below(10**9)})::pg_catalog.float8 OPERATOR(pg_catalog./) 100::pg_catalog.float8"
            )
        case "money":
            return target.scalar(f"({below(10**8)})::pg_catalog.money")
        case "boolean":
            return target.constant("false")
        case "date":
            days = f"({below(18262)})::pg_catalog.int4"  # 1970 to 2019
            return target.scalar(f"'1970-01-01'::pg_catalog.date OPERATOR(pg_catalog.+) {days}")
        case "timestamp" | "timestamptz":
            return target.scalar(instant(kind.family, 0, _MICROSECONDS_OF_50_YEARS))
        case "time":
            return target.scalar(f"'00:00'::pg_catalog.time OPERATOR(pg_catalog.+) {_span(86_400_000_000)}")
        case "timetz":
            return target.scalar(
                f"'00:00+00'::pg_catalog.timetz OPERATOR(pg_catalog.+) {_span(86_400_000_000)}"
            )
        case "interval":
            return target.scalar(_span(86_400_000_000))
        case "uuid":
            return target.scalar(uuid_text())
        case "inet" | "cidr":
            return target.scalar(address_text(target.column.unique))
        case "macaddr":
            return target.scalar(joined(text("02"), hexadecimal(10)))
        case "macaddr8":
            return target.scalar(joined(text("02"), hexadecimal(14)))
        case "json" | "jsonb":
            return target.scalar(joined(text('{"masked": "'), hexadecimal(16), text('"}')))
        case "xml":
            return target.scalar(joined(text("<masked>"), hexadecimal(16), text("</masked>")))
        case "bytea":
            return target.scalar(f"pg_catalog.substr({H}, 1, 16)")
        case "bit":
            size = min(kind.length or 64, 128)
            return target.scalar(f"({joined(text('x'), hexadecimal(32))})::bit({size})")
        case "fixed":
            return target.constant(kind.fixed)
        case "enum":
            return target.constant(target.column.enum_labels[0])
        case "array":
            if target.type.cast == "pg_catalog.text[]":
                element = f"ARRAY[{closed_text(None)}]"
                return target.scalar(f"CASE WHEN ({target.value}) IS NOT NULL THEN {element} END")
            return target.constant("{}")
        case _:
            return None


def closed_text(length: int | None) -> str:
    """``masked:9f3a...`` with 64 bits, or as many as a short column holds."""
    if length is None or length >= 23:
        return joined(text("masked:"), hexadecimal(16))
    return hexadecimal(length) if length >= 16 else dense(length)


def numeric(target: Target) -> str:
    """A number with the column's precision and scale, at most 18 digits of it."""
    precision, scale = target.type.precision, target.type.scale
    if precision is None:
        precision, scale = 12, 2
    digits = f"({below(10 ** min(precision, 18))})::pg_catalog.numeric"
    return f"{digits} OPERATOR(pg_catalog.*) {literal(f'1e{-scale}')}::pg_catalog.numeric"


def instant(family: str, first: int, span: int) -> str:
    """A moment: *first* microseconds after 1970 and less than *span* more."""
    start = literal("1970-01-01 00:00:00+00" if family == "timestamptz" else "1970-01-01 00:00:00")
    shift = f"'{first} microseconds'::pg_catalog.interval"
    return f"{start}::pg_catalog.{family} OPERATOR(pg_catalog.+) {shift} OPERATOR(pg_catalog.+) {_span(span)}"


def _span(microseconds: int) -> str:
    amount = f"({below(microseconds)})::pg_catalog.float8"
    return f"('1 microsecond'::pg_catalog.interval OPERATOR(pg_catalog.*) {amount})"


def uuid_text() -> str:
    """A UUID of version 8 (RFC 9562: made to one's own rules) with 122 bits of the digest."""
    version = f"pg_catalog.overlay({hexadecimal(32)}, '8'::pg_catalog.text, 13)"
    return f"pg_catalog.overlay({version}, '8'::pg_catalog.text, 17)"


def address_text(unique: bool) -> str:
    """An address of 240.0.0.0/4 (never assigned), or of 2001:db8::/32 where 28 bits are too few."""
    if unique:
        groups = f"pg_catalog.regexp_replace({hexadecimal(24)}, '(.{{4}})', ':\\1', 'g')"
        return joined(text("2001:db8"), groups)
    host = "pg_catalog.mod({n}, 268435456::pg_catalog.int8)".replace("{n}", integer())
    number = f"'240.0.0.0'::pg_catalog.inet OPERATOR(pg_catalog.+) {host}"
    return f"pg_catalog.host({number})"
