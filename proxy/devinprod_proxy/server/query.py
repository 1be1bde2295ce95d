"""How does the proxy ask the target something for itself?  One statement on a connection of its own."""

from __future__ import annotations

import asyncio

from devinprod_proxy.errors import UpstreamFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Frame, Rows, row_values
from devinprod_proxy.pgwire.kinds import Backend
from devinprod_proxy.server.upstream import Destination, UpstreamProtocol, connect
from devinprod_proxy.sql.statement import ServerSql

TIMEOUT = 30.0


class Connection:
    """A connection for statements of the proxy's own, one after the other.

    >>> async with Connection(destination) as db:           # doctest: +SKIP
    ...     await db.rows(control.target_facts())
    [['false', '1', '0.2', '4711']]
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._protocol = UpstreamProtocol(self._received, self._lost)
        self._waiting: asyncio.Future[list[list[str | None]]] | None = None
        self._rows: list[Rows] = []
        self._width = 0
        self._error: UpstreamFault | None = None

    async def __aenter__(self) -> Connection:
        await connect(self._destination, self._protocol)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._protocol.write(messages.terminate())
        self._protocol.close()

    @property
    def alive(self) -> bool:
        """False once the target has closed the connection."""
        return not self._protocol.closed

    @property
    def parameters(self) -> dict[str, str]:
        """What the server has reported of itself (server_version, server_encoding ...)."""
        return self._protocol.startup.parameters

    async def rows(self, sql: ServerSql) -> list[list[str | None]]:
        """The rows of one statement as texts. Raises UpstreamFault in the server's own words."""
        if self._protocol.closed:
            raise UpstreamFault("the target database closed the connection")
        self._rows, self._width, self._error = [], 0, None
        self._waiting = asyncio.get_running_loop().create_future()
        self._protocol.write(messages.query(sql.text))
        try:
            return await asyncio.wait_for(self._waiting, TIMEOUT)
        except TimeoutError:
            raise UpstreamFault("the target database did not answer in time") from None

    def _received(self, items: list[Frame | Rows]) -> None:
        for item in items:
            if isinstance(item, Rows):
                self._rows.append(item)
            elif item.kind == Backend.ROW_DESCRIPTION:
                self._rows, self._width = [], len(messages.parse_row_description(item.body))
            elif item.kind == Backend.ERROR_RESPONSE:
                fields = messages.parse_error_fields(item.body)
                self._error = UpstreamFault(fields.get("M", "error"), sqlstate=fields.get("C", "XX000"))
            elif (
                item.kind == Backend.READY_FOR_QUERY
                and self._waiting is not None
                and not self._waiting.done()
            ):
                if self._error is not None:
                    self._waiting.set_exception(self._error)
                else:
                    self._waiting.set_result(self._table())

    def _table(self) -> list[list[str | None]]:
        columns = [
            [None if v is None else v.decode() for run in self._rows for v in row_values(run.data, i)]
            for i in range(self._width)
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    def _lost(self, reason: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self._error or UpstreamFault(reason))


async def query(destination: Destination, sql: ServerSql) -> list[list[str | None]]:
    """The rows of one statement, over a connection made for it."""
    async with Connection(destination) as connection:
        return await connection.rows(sql)
