"""What can come of composing one message, and what a failed transaction still takes."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.session import answer, count
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.sql.statement import Kind

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


class Verdict(Enum):
    """What composing one message or statement came to."""

    GO = auto()
    """Taken; the next may follow in the same batch."""
    STOP = auto()
    """Taken; the batch has to run before anything else."""
    FIRST = auto()
    """Not taken: what the batch holds has to run first."""


FAILED = Refusal("25P02", "current transaction is aborted, commands ignored until end of transaction block")
ENDING = frozenset({Kind.COMMIT, Kind.ROLLBACK, Kind.ROLLBACK_TO})
"""All that a failed transaction takes (manual, 54.2.3 and BEGIN)."""


def refuse(m: Machine, unit: Unit, ex: Exchange, refusal: Refusal, asked: str = "") -> Verdict:
    """Answer with an error of the proxy's own; what stands before it runs first."""
    if ex.steps:
        return Verdict.FIRST
    count.refused(m, unit.client, asked, refusal)
    answer.fail_client(m, unit, refusal)
    unit.error = True
    return Verdict.STOP
