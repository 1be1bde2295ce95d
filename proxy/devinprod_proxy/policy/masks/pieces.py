"""Which pieces of SQL turn a digest into text, digits and numbers?  ``{h}`` is the digest."""

from __future__ import annotations

from devinprod_proxy.policy.masks.column import H

CONCAT = " OPERATOR(pg_catalog.||) "


def text(constant: str) -> str:
    """A text constant."""
    return "'" + constant.replace("'", "''") + "'::pg_catalog.text"


def joined(*parts: str) -> str:
    """The parts, one behind the other."""
    return CONCAT.join(parts)


def hexadecimal(digits: int, skip: int = 0) -> str:
    """*digits* hexadecimal digits (4 bits each) of the digest behind its first *skip* bytes."""
    size = (digits + 1) // 2
    if skip + size > 32:
        raise ValueError("a digest has 32 bytes")
    whole = f"pg_catalog.encode(pg_catalog.substr({H}, {skip + 1}, {size}), 'hex')"
    return whole if digits % 2 == 0 else f"pg_catalog.left({whole}, {digits})"


def dense(characters: int) -> str:
    """*characters* letters and digits (6 bits each), for short columns; at most 16."""
    coded = f"pg_catalog.encode(pg_catalog.substr({H}, 1, 12), 'base64')"
    return f"pg_catalog.left(pg_catalog.translate({coded}, '+/', '-_'), {characters})"


def decimal(digits: int, skip: int = 0) -> str:
    """*digits* decimal digits (3.2 bits each: 0 to 5 come twice as often)."""
    return f"pg_catalog.translate({hexadecimal(digits, skip)}, 'abcdef', '012345')"


def integer(bits: int = 63) -> str:
    """A number from 0 up to 2**bits - 1, as bigint."""
    return f"({joined(text('x'), hexadecimal(16))})::bit({bits})::pg_catalog.int8"


def below(limit: int) -> str:
    """A number from 0 up to *limit* - 1, as bigint."""
    return f"pg_catalog.mod({integer()}, {limit}::pg_catalog.int8)"


def chosen(words: tuple[str, ...], byte: int) -> str:
    """One of *words* (a power of two of them, at most 256), by one byte of the digest."""
    if len(words) & (len(words) - 1) or len(words) > 256:
        raise ValueError("the number of words must be a power of two, or some would come more often")
    array = "'{" + ",".join(f'"{w}"' for w in words) + "}'::pg_catalog.text[]"
    index = f"pg_catalog.get_byte({H}, {byte}) OPERATOR(pg_catalog.&) {len(words) - 1}"
    return f"({array})[1 OPERATOR(pg_catalog.+) ({index})]"
