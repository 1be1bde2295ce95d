"""Which masks keep a format: digits, numbers, dates, UUIDs and network addresses?"""

from __future__ import annotations

import datetime

from devinprod_proxy.policy.masks.closed import address_text, instant, numeric, uuid_text
from devinprod_proxy.policy.masks.column import Target
from devinprod_proxy.policy.masks.pieces import below, decimal, integer
from devinprod_proxy.policy.model import Mask

_EPOCH = datetime.date(1970, 1, 1)
_INTEGER_BITS = {"smallint": 15, "integer": 31, "bigint": 63, "oid": 31}


def digits(mask: Mask, target: Target) -> str | None:
    """Other digits in the same places, the last ``keep_last`` kept; letters become x or X.

    This mask promises to keep the format, so length and punctuation are those of the value. Never
    more than half of the digits are kept, and letters never are: a note written into a phone
    column must not shine through.
    """
    if target.type.family != "text":
        return None
    keep = mask.option("keep_last", 0)
    kept = keep if isinstance(keep, int) else 0
    v = f"({target.value})::pg_catalog.text"
    # __mask.d: 64 decimal digits of the digest. Each character of the value is looked at once.
    digit_count = f"pg_catalog.length(pg_catalog.regexp_replace({v}, '[^0-9]', '', 'g'))"
    allowed = f"LEAST({kept}, {digit_count} OPERATOR(pg_catalog./) 2)"
    is_digit = "c.ch OPERATOR(pg_catalog.~) '^[0-9]$'::pg_catalog.text"
    behind = "pg_catalog.count(*) FILTER (WHERE " + is_digit + ") OVER (ORDER BY c.i DESC)"
    place = "1 OPERATOR(pg_catalog.+) pg_catalog.mod((c.i OPERATOR(pg_catalog.-) 1)::pg_catalog.int4, 64)"
    fake = f"pg_catalog.substr(__mask.d, {place}, 1)"
    shown = (
        f"CASE WHEN c.digit AND c.behind OPERATOR(pg_catalog.<=) __mask.keep THEN c.ch"
        f" WHEN c.digit THEN {fake}"
        " WHEN c.ch OPERATOR(pg_catalog.~) '^[ -/:-@[-`{-~]$'::pg_catalog.text THEN c.ch"
        " WHEN c.ch OPERATOR(pg_catalog.~) '^[[:upper:]]$'::pg_catalog.text THEN 'X' ELSE 'x' END"
    )
    characters = (
        f"SELECT c.i, c.ch, {is_digit} AS digit, {behind if kept else '1'} AS behind"
        " FROM ROWS FROM (pg_catalog.unnest(pg_catalog.string_to_array(__mask.v, NULL)))"
        " WITH ORDINALITY AS c(ch, i)"
    )
    digest = target.digest()
    all_digits = f"pg_catalog.translate(pg_catalog.encode({digest}, 'hex'), 'abcdef', '012345')"
    return (
        f"(SELECT CASE WHEN __mask.d IS NOT NULL THEN COALESCE((SELECT pg_catalog.string_agg({shown}, ''"
        f" ORDER BY c.i) FROM ({characters}) AS c), '') END::{target.type.cast}"
        f" FROM (SELECT {v} AS v, {all_digits} AS d, {allowed if kept else 0} AS keep OFFSET 0) AS __mask)"
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
