"""Which run-time settings may a client set, reset and show?"""

from __future__ import annotations

from typing import Literal

from devinprod_proxy.policy.wordlists import read, sections

_LISTS = sections(read("settings.txt"))
ALLOWED = _LISTS["allowed"]
RESET_ONLY = _LISTS["reset only"]
_RESERVED = _LISTS["reserved prefix"]


def reserved(name: str) -> bool:
    """True for settings of devinprod itself, such as the mask key: nobody sets, resets or shows them."""
    return name.lower().split(".", 1)[0] == "devinprod"


def may(name: str, access: Literal["set", "reset", "show"]) -> bool:
    """Whether a client may do that with the setting.

    >>> may("TimeZone", "set"), may("log_statement", "set"), may("devinprod.key", "show")
    (True, False, False)
    """
    name = name.lower()
    if reserved(name):
        return False
    if access == "show":
        return True
    if "." in name:
        return name.split(".", 1)[0] not in _RESERVED
    return name in ALLOWED or (access == "reset" and (name in RESET_ONLY or name == "all"))
