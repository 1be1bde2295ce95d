"""What will a waiting client do next?  The floor lets readers in where writers have to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Rows
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session import simple
from devinprod_proxy.session.client import Client
from devinprod_proxy.sql.statement import Kind, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


PEEKABLE = frozenset({Kind.READ, Kind.SHOW, Kind.EMPTY, Kind.EXPLAIN})


def only_reads(m: Machine, client: Client) -> bool:
    """True when all that the client's next unit does is to read."""
    statements = _ahead(m, client)
    return statements is not None and all(
        s.kind in PEEKABLE and s.reads_only and not s.settings for s in statements
    )


def only_rolls_back(m: Machine, client: Client) -> bool:
    """True when the client's next unit is a plain ROLLBACK."""
    statements = _ahead(m, client)
    return bool(statements) and all(s.kind is Kind.ROLLBACK for s in statements or ())


def _ahead(m: Machine, client: Client) -> list[Statement] | None:
    """The statements of the next unit, rewritten; None where that cannot be told."""
    if m.catalog_stale:
        return None
    try:
        return _read(m, client)
    except ClientFault:  # a message that cannot be read: its client hears of it in its turn
        return None


def _read(m: Machine, client: Client) -> list[Statement] | None:
    found: list[Statement] = []
    parsed: dict[str, Statement] = {}
    bound: dict[str, Statement] = {}
    for item in client.inbox:
        if isinstance(item, Rows):
            return None
        if item.kind == Frontend.QUERY:
            rewritten = simple.read(m, client, messages.parse_query(item.body))
            return None if rewritten is None else found + rewritten
        if item.kind == Frontend.PARSE:
            message = messages.parse_parse(item.body)
            texts = simple.read(m, client, message.query)
            if texts is None or len(texts) > 1:
                return None
            if texts:
                parsed[message.name] = texts[0]
                found.append(texts[0])
        elif item.kind == Frontend.BIND:
            binding = messages.parse_bind(item.body)
            known = parsed.get(binding.statement)
            if known is None and binding.statement in client.prepared:
                known = client.prepared[binding.statement].statement
            if known is None:
                return None
            bound[binding.portal] = known
            found.append(known)
        elif item.kind == Frontend.EXECUTE:
            if messages.parse_execute(item.body)[0] not in bound:
                return None
        elif item.kind in (Frontend.SYNC, Frontend.FLUSH):
            return found
    return found
