"""Which masks keep a format: digits, numbers, dates, UUIDs and network addresses?"""

from __future__ import annotations

import datetime

from devinprod_proxy.policy.masks.closed import address_text, instant, numeric, uuid_text
from devinprod_proxy.policy.masks.column import Target
from devinprod_proxy.policy.masks.pieces import below, decimal, integer, joined, text
from devinprod_proxy.policy.model import Mask

_EPOCH = datetime.date(1970, 1, 1)
_INTEGER_BITS = {"smallint": 15, "integer": 31, "bigint": 63, "oid": 31}


_LETTER = "'[^ -@[-`{-~]'::pg_catalog.text"
"""Letters, and all that is not printable ASCII."""


def digits(mask: Mask, target: Target) -> str | None:
    """Other digits in the same places, the last ``keep_last`` kept; letters become x or X.

    This mask promises to keep the format, so length and punctuation are those of the value. Never
    more than half of the digits are kept, and letters never are: a note written into a phone
    column must not shine through. The digits go in by format(), several times as fast as a look at
    each character.
    """
    if target.type.family != "text":
        return None
    keep = mask.option("keep_last", 0)
    kept = keep if isinstance(keep, int) else 0
    v = f"({target.value})::pg_catalog.text"
    plain = v
    for letters, stand_in in (("[^ -~]", "x"), ("[a-z]", "x"), ("[A-Z]", "X")):
        plain = f"pg_catalog.regexp_replace({plain}, '{letters}', '{stand_in}', 'g')"
    shown = f"CASE WHEN {v} OPERATOR(pg_catalog.~) {_LETTER} THEN {plain} ELSE {v} END"
    head, tail = "__mask.v", ""
    if kept:
        without = "pg_catalog.length(pg_catalog.translate(__mask.v, '0123456789', ''))"
        count = f"(pg_catalog.length(__mask.v) OPERATOR(pg_catalog.-) {without})"
        few = f"LEAST({kept}, {count} OPERATOR(pg_catalog./) 2)::pg_catalog.text"
        pattern = joined(text("((?:[0-9][^0-9]*){"), few, text("})$"))
        last = f"pg_catalog.substring(__mask.v, {pattern})"
        length = f"pg_catalog.length(__mask.v) OPERATOR(pg_catalog.-) pg_catalog.length({last})"
        head, tail = f"pg_catalog.left(__mask.v, {length})", f" OPERATOR(pg_catalog.||) {last}"
    # Each digit becomes the character 1, and that format()'s %s.
    marks = "pg_catalog.repeat(pg_catalog.chr(1), 10)"
    marked = f"pg_catalog.translate(pg_catalog.replace({head}, '%', '%%'), '0123456789', {marks})"
    form = f"pg_catalog.replace({marked}, pg_catalog.chr(1), '%s')"
    # OPERATOR() forms all bind alike, so every second operator stands in parentheses
    times = "1 OPERATOR(pg_catalog.+) (pg_catalog.length(__mask.v) OPERATOR(pg_catalog./) 64)"
    enough = f"pg_catalog.left(pg_catalog.repeat(__mask.d, {times}), pg_catalog.length(__mask.v))"
    fakes = f"pg_catalog.string_to_array({enough}, NULL)"
    all_digits = f"pg_catalog.translate(pg_catalog.encode({target.digest()}, 'hex'), 'abcdef', '012345')"
    return (
        f"(SELECT (CASE WHEN __mask.d IS NOT NULL THEN pg_catalog.format({form}, VARIADIC {fakes}){tail} END)"
        f"::{target.type.cast} FROM (SELECT {shown} AS v, {all_digits} AS d OFFSET 0) AS __mask)"
    )


def number(mask: Mask, target: Target) -> str | None:
    """A number of the column's type; between ``min`` and ``max`` where the rule says so."""
    low, high = mask.option("min"), mask.option("max")
    bounded = isinstance(low, int) or isinstance(high, int)
    first = low if isinstance(low, int) else 0
    last = high if isinstance(high, int) else first + 999_999
    family = target.type.family
    if family not in ("integer", "numeric", "float", "money", "text"):
        return None
    if bounded:
        shifted = f"({below(last - first + 1)} OPERATOR(pg_catalog.+) ({first})::pg_catalog.int8)"
        return target.scalar(shifted)
    if family == "integer":
        return target.scalar(integer(_INTEGER_BITS.get(target.type.name, 31)))
    if family == "numeric":
        return target.scalar(numeric(target))
    if family == "text":
        limit = target.type.length
        return target.scalar(decimal(min(20 if target.column.unique else 12, limit or 20)))
    return target.closed()


def date(mask: Mask, target: Target) -> str | None:
    """A day (or moment) from ``min`` to ``max``, 1950-01-01 to 2009-12-31 unless the rule says more."""
    first = _day(mask.option("min"), datetime.date(1950, 1, 1))
    last = _day(mask.option("max"), datetime.date(2009, 12, 31))
    days = (last - first).days + 1
    chosen_day = (
        f"'{first.isoformat()}'::pg_catalog.date OPERATOR(pg_catalog.+) ({below(days)})::pg_catalog.int4"
    )
    match target.type.family:
        case "date":
            return target.scalar(chosen_day)
        case "timestamp" | "timestamptz":
            start = (first - _EPOCH).days * 86_400_000_000
            return target.scalar(instant(target.type.family, start, days * 86_400_000_000))
        case "text" if target.type.length is None or target.type.length >= 10:
            # to_char goes by way of timestamp: the one from date would be timestamptz
            return target.scalar(f"pg_catalog.to_char(({chosen_day})::timestamp, 'YYYY-MM-DD')")
        case _:
            return None


def _day(option: object, default: datetime.date) -> datetime.date:
    if isinstance(option, datetime.date):
        return option
    return datetime.date.fromisoformat(option) if isinstance(option, str) else default


def uuid(mask: Mask, target: Target) -> str | None:
    """A UUID of version 8, so that it is told from real ones (4 and 7)."""
    match target.type.family:
        case "uuid":
            return target.scalar(uuid_text())
        case "text" if target.type.length is None or target.type.length >= 36:
            return target.scalar(f"({uuid_text()})::pg_catalog.uuid")
        case _:
            return None


def ip(mask: Mask, target: Target) -> str | None:
    """An address of 240.0.0.0/4, in a unique column of 2001:db8::/32: neither is anybody's."""
    family, length = target.type.family, target.type.length
    unique = target.column.unique
    if family in ("inet", "cidr"):
        return target.scalar(address_text(unique))
    if family == "text" and (length is None or length >= (39 if unique else 15)):
        return target.scalar(address_text(unique))
    return None
