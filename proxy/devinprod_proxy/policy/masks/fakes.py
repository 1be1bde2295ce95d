"""Which invented people, firms and places stand in for the real ones?

All of them fit ASCII columns and end in a tag (``~3f9a1c77``) that says that they are fakes and
keeps different values different: 8 hexadecimal digits, 16 in a unique column.
"""

from __future__ import annotations

from devinprod_proxy.policy.masks.closed import closed_text
from devinprod_proxy.policy.masks.column import Target
from devinprod_proxy.policy.masks.pieces import chosen, decimal, hexadecimal, joined, text
from devinprod_proxy.policy.model import Mask


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    """
    Ada Bela Cleo Dario Edda Finn Gala Hugo Ines Jonas Kira Levi Mara Nils Olga Pavel Quinn Rosa
    Silas Tilda Udo Vera Wim Xenia Yara Zeno Anouk Bruno Carla Dunja Emil Frida
    """
)
LAST_NAMES = _words(
    """
    Amber Birch Cobalt Dove Elder Fern Grove Heath Indigo Juniper Kestrel Linden Maple Nettle Ochre
    Pebble Quill Raven Sable Thistle Umber Violet Willow Xander Yarrow Zephyr Alder Basil Cedar
    Drift Ember Flint
    """
)
TOWNS = _words(
    """
    Northmere Southwick Eastvale Westhaven Oldbridge Newford Highmoor Lowfield Longbeach Shortcliff
    Redwater Bluehill Greenport Whitestone Blackwood Greyharbor
    """
)
STREETS = (
    "Mill Lane", "Station Road", "Church Street", "Harbor View", "Meadow Way", "Orchard Close",
    "Bridge Street", "Castle Hill", "Garden Row", "Forest Path", "Market Square", "School Road",
    "Spring Terrace", "Tower Court", "Valley Drive", "Windmill Yard",
)  # fmt: skip
TRADES = ("Trading", "Works", "Labs", "Freight", "Foods", "Systems", "Design", "Energy")

_LONGEST_FIRST = max(map(len, FIRST_NAMES))
_LONGEST_LAST = max(map(len, LAST_NAMES))


def _tagged(target: Target, words: str, longest: int, used_bytes: int) -> str | None:
    """*words* and a tag, in a text column; only the tag where the column is too short for both."""
    if target.type.family != "text":
        return None
    limit = target.type.length
    digits = 16 if target.column.unique else 8
    tag = hexadecimal(digits, skip=used_bytes)
    if limit is None or limit >= longest + 2 + digits:
        return target.scalar(joined(words, text(" ~"), tag))
    if limit >= digits + 1:
        return target.scalar(joined(text("~"), tag))
    return target.scalar(closed_text(limit))


def first_name(mask: Mask, target: Target) -> str | None:
    """``Ada ~3f9a1c77``."""
    return _tagged(target, chosen(FIRST_NAMES, 0), _LONGEST_FIRST, 1)


def last_name(mask: Mask, target: Target) -> str | None:
    """``Linden ~3f9a1c77``."""
    return _tagged(target, chosen(LAST_NAMES, 0), _LONGEST_LAST, 1)


def name(mask: Mask, target: Target) -> str | None:
    """``Ada Linden ~3f9a1c77``."""
    words = joined(chosen(FIRST_NAMES, 0), text(" "), chosen(LAST_NAMES, 1))
    limit = target.type.length
    if limit is not None and limit < _LONGEST_FIRST + _LONGEST_LAST + 11:
        return first_name(mask, target)
    return _tagged(target, words, _LONGEST_FIRST + 1 + _LONGEST_LAST, 2)


def company(mask: Mask, target: Target) -> str | None:
    """``Linden Freight ~3f9a1c77``."""
    words = joined(chosen(LAST_NAMES, 0), text(" "), chosen(TRADES, 1))
    return _tagged(target, words, _LONGEST_LAST + 1 + max(map(len, TRADES)), 2)


def address(mask: Mask, target: Target) -> str | None:
    """``1742 Mill Lane ~3f9a1c77``."""
    words = joined(text("1"), decimal(3, skip=1), text(" "), chosen(STREETS, 0))
    return _tagged(target, words, 5 + max(map(len, STREETS)), 3)


def city(mask: Mask, target: Target) -> str | None:
    """``Eastvale ~3f9a1c77``."""
    return _tagged(target, chosen(TOWNS, 0), max(map(len, TOWNS)), 1)


def email(mask: Mask, target: Target) -> str | None:
    """``u3f9a1c77d2b04e5f@example.com``: a domain that RFC 2606 reserves; 64 bits where they fit."""
    if target.type.family != "text":
        return None
    limit = target.type.length
    if limit is None or limit >= 29:
        return target.scalar(joined(text("u"), hexadecimal(16), text("@example.com")))
    if limit >= 18:  # a top-level domain of the same RFC
        return target.scalar(joined(text("u"), hexadecimal(limit - 11), text("@a.invalid")))
    return target.scalar(closed_text(limit))


def phone(mask: Mask, target: Target) -> str | None:
    """``+999`` (a country code that the ITU keeps unassigned) and 12 digits, 20 in a unique column."""
    if target.type.family != "text":
        return None
    digits = 20 if target.column.unique else 12
    limit = target.type.length
    if limit is not None and limit < 4 + digits:
        return target.scalar(decimal(limit) if limit < 12 else joined(text("+999"), decimal(limit - 4)))
    return target.scalar(joined(text("+999"), decimal(digits)))


def prose(mask: Mask, target: Target) -> str | None:
    """``Lorem ipsum dolor sit amet [3f9a1c77d2b04e5f]``: always the same length."""
    if target.type.family != "text":
        return None
    if target.type.length is not None and target.type.length < 45:
        return target.scalar(closed_text(target.type.length))
    return target.scalar(joined(text("Lorem ipsum dolor sit amet ["), hexadecimal(16), text("]")))
