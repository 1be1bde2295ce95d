"""How does a statement of the notebook reach the session?

As an ordinary client of the proxy: one psycopg connection, which describes every statement (the proxy says
there what is masked) and runs most of them, and one ADBC connection for bulk results. Both log in as
``user/session``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devinprod_jupyter import driver_errors, marks
from devinprod_jupyter.errors import CommandFailed, NotConnected, SqlError
from devinprod_jupyter.limit import PREFIX, is_query, limited
from devinprod_jupyter.parameters import Bound, Token, tokens
from devinprod_jupyter.settings import Place

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from devinprod_jupyter.results import Column

__all__ = ["Result", "Wire"]

#: From here on the columnar road is faster, in spite of its slow start.
BULK_ROWS = 20_000
ROLLED_BACK = "The transaction that you began was rolled back."

# After these this client has a state of its own (a transaction, settings, cursors), which only its own
# connection has.
STATEFUL = {"BEGIN", "START", "SAVEPOINT", "SET", "RESET", "DISCARD"} | {
    "PREPARE",
    "DECLARE",
    "LISTEN",
    "CREATE",
    "LOAD",
}


@dataclass
class Result:
    """What a statement gave: its columns (None without a result), its rows, what the server said."""

    tag: str
    rows: int
    columns: list[Column] | None = None
    marks: marks.Marks = field(default_factory=dict)
    cut: bool = False
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Described:
    columns: list[Column]
    parameter_types: list[int]
    marks: marks.Marks


class Wire:
    """The notebook's own connections to one session. Opened when first needed, and again after a loss."""

    def __init__(self, place: Place, session: str) -> None:
        self._place = place
        self._session = session
        self._connection: Connection[Any] | None = None
        self._bulk: Any = None
        self._notices: list[str] = []
        self._marks: marks.Marks = {}
        self._own_state = False
        self._types: dict[int, tuple[str, bool]] = {}

    # -- connections ---------------------------------------------------------------------------------------

    def parameters(self, **more: str) -> dict[str, str]:
        """libpq's parameters of a connection into the session, the password among them: never print these."""
        place = self._place
        known = {
            "host": place.host,
            "port": str(place.port),
            "user": f"{place.user}/{self._session}",
            "password": place.password,
            "dbname": place.target,
            "sslmode": place.sslmode,
            "sslrootcert": place.sslrootcert,
        }
        return {name: value for name, value in {**known, **more}.items() if value}

    def connection(self) -> Connection[Any]:
        """The connection that describes and runs; opened on demand."""
        import psycopg

        from devinprod_jupyter.results import exact_loaders

        if self._connection is not None and not self._connection.closed:
            return self._connection
        lost = self._connection is not None and self._own_state
        self._notices = []
        self._connection, self._bulk, self._own_state = None, None, False
        parameters = self.parameters(
            application_name="devinprod notebook", options="-c devinprod.annotate=on", connect_timeout="10"
        )
        try:
            connection = psycopg.connect(autocommit=True, **parameters)  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            raise driver_errors.from_login(error) from None
        exact_loaders(connection)
        connection.add_notice_handler(self._noticed)
        connection.prepare_threshold = None
        self._connection = connection
        if lost:
            self._notices.append(
                "The connection was lost: a transaction, settings or cursors that it had are gone."
            )
        return connection

    def close(self) -> None:
        """Leave the session; it stays as it is at the proxy."""
        bulk, self._bulk = self._bulk, None
        connection, self._connection = self._connection, None
        if bulk is not None:
            bulk.close()
        if connection is not None:
            connection.close()

    def _noticed(self, diagnostic: Diagnostic) -> None:
        if diagnostic.sqlstate == marks.SQLSTATE:
            self._marks = marks.from_notice(diagnostic.message_detail or "")
        else:
            said = f"{diagnostic.severity or 'NOTICE'}: {diagnostic.message_primary}"
            # Once: describing and running a statement both say it.
            if said not in self._notices and len(self._notices) < 20:
                self._notices.append(said)

    # -- statements ----------------------------------------------------------------------------------------

    def run(self, bound: Bound, rows: int) -> Result:
        """Run one statement; at most `rows` rows of a result (0: all).

        Raises SqlError in terms of what the user wrote. An interrupt cancels on the server.
        """
        from psycopg.pq import TransactionStatus

        fresh = self._connection is None or self._connection.closed
        connection = self.connection()
        self._notices, self._marks = self._notices if fresh else [], {}
        if connection.info.transaction_status == TransactionStatus.INERROR:  # an interrupt left it so
            connection.rollback()
            self._notices.append(ROLLED_BACK)
        shift = 0
        try:
            described = self._describe(connection, bound)
            words = tokens(bound.text)
            sent, cut_at = bound.text, 0
            wrapped = limited(bound.text, words, rows) if described.columns and rows else None
            if wrapped is not None:
                sent, shift, cut_at = wrapped, len(PREFIX), rows
            if self._columnar(connection, described, words, rows):
                result = self._run_columnar(bound, described, sent)
            else:
                result = self._run_rows(connection, bound, described, sent)
        except Exception as error:
            translated = self._translated(error, bound, shift, connection)
            if translated is error:
                raise
            raise translated from error
        if cut_at and result.columns and result.rows > cut_at:
            result.columns = [_first(column, cut_at) for column in result.columns]
            result.rows, result.cut = cut_at, True
        first = bound.text[words[0].start : words[0].end].split() if words else []
        if first and (first[0].upper() in STATEFUL or "set_config" in bound.text.lower()):
            self._own_state = True
        result.notices = self._notices
        return result

    def _describe(self, connection: Connection[Any], bound: Bound) -> _Described:
        from psycopg import generators, pq
        from psycopg.adapt import PyFormat, Transformer

        from devinprod_jupyter.results import Column

        transformer = Transformer(connection)
        transformer.dump_sequence(bound.values, [PyFormat.TEXT] * len(bound.values))
        oids = transformer.types or ()
        pgconn = connection.pgconn
        encoding = connection.info.encoding
        with connection.lock:
            pgconn.send_prepare(b"", bound.text.encode(encoding), param_types=oids)
            self._check(connection.wait(generators.execute(pgconn)), encoding)
            pgconn.send_describe_prepared(b"")
            answer = self._check(connection.wait(generators.execute(pgconn)), encoding)
        if answer.status != pq.ExecStatus.COMMAND_OK:
            raise SqlError("The server did not describe the statement.", sql=bound.asked)
        named = [
            ((answer.fname(i) or b"").decode(encoding), answer.ftype(i), answer.fmod(i))
            for i in range(answer.nfields)
        ]
        parameter_types = [answer.param_type(i) for i in range(answer.nparams)]
        found = self._marks
        self._know_types(connection, {oid for _, oid, _ in named if oid >= 16384})
        columns = [
            Column(name, oid, typmod, self._types.get(oid, ("", False))[1]) for name, oid, typmod in named
        ]
        return _Described(columns, parameter_types, found)

    @staticmethod
    def _check(answers: Sequence[Any], encoding: str) -> Any:
        from psycopg import errors, pq

        for answer in answers:
            if answer.status == pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(answer, encoding=encoding)
        return answers[-1]

    def _know_types(self, connection: Connection[Any], oids: set[int]) -> None:
        """Names of types, and which of them are enums; asked once."""
        unknown = sorted(oids - self._types.keys())
        if not unknown:
            return
        found = connection.execute(
            "SELECT oid::int8, pg_catalog.format_type(oid, NULL), typtype = 'e' "
            "FROM pg_catalog.pg_type WHERE oid = ANY(%s)",
            [unknown],
        ).fetchall()
        self._types.update({int(oid): (str(name), bool(enum)) for oid, name, enum in found})

    def _columnar(
        self, connection: Connection[Any], described: _Described, words: list[Token], rows: int
    ) -> bool:
        from psycopg import pq

        from devinprod_jupyter.results import bulk_exact

        return (
            (rows == 0 or rows > BULK_ROWS)
            and bool(described.columns)
            and is_query(words)
            and not self._own_state
            and connection.info.transaction_status == pq.TransactionStatus.IDLE
            and bulk_exact(described.columns)
        )

    def _run_rows(
        self, connection: Connection[Any], bound: Bound, described: _Described, sent: str
    ) -> Result:
        from psycopg import RawCursor

        from devinprod_jupyter.results import columns_from_rows

        with RawCursor(connection) as cursor:
            cursor.execute(sent, bound.values or None)
            tag = cursor.statusmessage or ""
            if cursor.description is None:
                return Result(tag, max(cursor.rowcount, 0))
            rows = cursor.fetchall()
        return Result(tag, len(rows), columns_from_rows(described.columns, rows), described.marks)

    def _run_columnar(self, bound: Bound, described: _Described, sent: str) -> Result:
        from devinprod_jupyter.results import columns_from_arrow

        text, values = sent, self._texts(bound)
        if values:
            text = self._cast(sent, described.parameter_types)
        if self._bulk is None:
            self._bulk = _adbc(self.parameters())
        cursor = self._bulk.cursor()
        try:
            # The newline keeps a comment at the end from swallowing what the driver puts behind it.
            cursor.execute(text + "\n", values or None)
            table = cursor.fetch_arrow_table()
        finally:
            cursor.close()
        columns = columns_from_arrow(described.columns, table)
        return Result(f"SELECT {table.num_rows}", table.num_rows, columns, described.marks)

    def _texts(self, bound: Bound) -> tuple[str | None, ...]:
        from psycopg.adapt import PyFormat, Transformer

        if not bound.values:
            return ()
        transformer = Transformer(self._connection)
        dumped = transformer.dump_sequence(bound.values, [PyFormat.TEXT] * len(bound.values))
        return tuple(None if value is None else bytes(value).decode() for value in dumped)

    def _cast(self, sent: str, types: Sequence[int]) -> str:
        """Each $n as ``$n::text::type``: the driver sends its text, the server makes the value."""
        assert self._connection is not None
        self._know_types(self._connection, set(types))
        out, at = [], 0
        found = tokens(sent)
        for token, number in itertools.pairwise(found):
            if token.kind == "PARAMETER" and number.kind == "NUMBER" and number.start == token.end:
                place = sent[token.start : number.end]
                name = self._types[types[int(sent[number.start : number.end]) - 1]][0]
                out += [sent[at : token.start], f"({place}::pg_catalog.text::{name})"]
                at = number.end
        return "".join([*out, sent[at:]])

    def _translated(
        self, error: Exception, bound: Bound, shift: int, connection: Connection[Any]
    ) -> Exception:
        import psycopg
        from psycopg.pq import TransactionStatus

        if not isinstance(error, psycopg.Error):
            return driver_errors.from_adbc(error, bound) or error
        note = ""
        if not connection.closed and connection.info.transaction_status == TransactionStatus.INERROR:
            # The next cell must work: nobody wants to type ROLLBACK first.
            connection.rollback()
            note = ROLLED_BACK
        translated = driver_errors.from_psycopg(
            error, bound, shift=shift, session=self._session, closed=connection.closed, note=note
        )
        if isinstance(translated, NotConnected):
            connection.close()
        return translated


def _first(column: Column, rows: int) -> Column:
    from dataclasses import replace

    return replace(column, values=column.values[:rows])


def _adbc(parameters: dict[str, str]) -> Any:
    from urllib.parse import quote, urlencode

    import adbc_driver_postgresql.dbapi as adbc

    rest = {k: v for k, v in parameters.items() if k not in {"host", "port", "user", "password", "dbname"}}
    rest["application_name"] = "devinprod notebook, bulk"
    user, password = quote(parameters["user"], safe=""), quote(parameters.get("password", ""), safe="")
    host = parameters["host"]
    address = f"[{host}]" if ":" in host else host
    uri = f"postgresql://{user}:{password}@{address}:{parameters['port']}/{parameters.get('dbname', '')}"
    try:
        return adbc.connect(f"{uri}?{urlencode(rest, quote_via=quote)}", autocommit=True)
    except Exception as error:
        # The driver's text may hold the address.
        raise CommandFailed(
            "The session could not be reached for a bulk result.", hint="Try it again."
        ) from error
