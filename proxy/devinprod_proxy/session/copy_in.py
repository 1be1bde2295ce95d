"""How do rows get in?  COPY FROM STDIN, within the batch that started it (manual 54.2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Rows
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import guard
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.unit import Unit, size

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def copy_from_client(m: Machine, unit: Unit, ex: Exchange) -> None:
    """Pass on COPY data, and end the copy when the client does."""
    inbox = unit.client.inbox
    data: list[bytes] = []
    while inbox and ex.copying:
        item = inbox.popleft()
        unit.client.inbox_bytes -= size(item)
        if isinstance(item, Rows):
            data.append(item.data)
        elif item.kind == Frontend.COPY_DATA:
            data.append(item.wire)
        elif item.kind == Frontend.COPY_DONE:
            data.append(item.wire)
            m.out.append(c.SendUpstream(b"".join(data)))
            data = []
            _end_copy(m, unit, ex)
        elif item.kind == Frontend.COPY_FAIL:
            data.append(item.wire)
            m.out.append(c.SendUpstream(b"".join(data)))
            data = []
            _end_copy(m, unit, ex, failed=True)
        elif item.kind in (Frontend.SYNC, Frontend.FLUSH):
            continue  # ignored during COPY (manual 54.2.6)
        else:
            abort_copy(m, ex, f"unexpected message type 0x{item.kind:02X} during COPY from stdin")
            unit.client.inbox.appendleft(item)
            unit.client.inbox_bytes += size(item)
    if data:
        m.out.append(c.SendUpstream(b"".join(data)))


def _end_copy(m: Machine, unit: Unit, ex: Exchange, *, failed: bool = False) -> None:
    ex.copying = False
    if not failed and unit.end == "query" and not unit.texts:
        guard.close_unit(m, unit, ex)
    ex.sync()
    m.out.append(c.SendUpstream(b"".join(ex.parts)))
    ex.parts = []


def abort_copy(m: Machine, ex: Exchange, reason: str) -> None:
    """End a COPY FROM STDIN that cannot go on."""
    m.out.append(c.SendUpstream(messages.copy_fail(reason)))
    ex.copying = False
    ex.sync()
    m.out.append(c.SendUpstream(b"".join(ex.parts)))
    ex.parts = []
