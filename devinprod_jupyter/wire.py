"""How does a statement of the notebook reach the session?

As an ordinary client of the proxy: one psycopg connection, which describes every statement (the proxy says
there what is masked) and runs most of them, and one ADBC connection for bulk results. Both log in as
``user/session``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devinprod_jupyter import marks
from devinprod_jupyter.errors import CommandFailed, NotConnected, SqlError
from devinprod_jupyter.parameters import Bound, Token, tokens
from devinprod_jupyter.settings import Place

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from devinprod_jupyter.results import Column

__all__ = ["Result", "Wire"]

#: From here on the columnar road is faster, in spite of its slow start.
BULK_ROWS = 20_000
WRAP = "SELECT * FROM (\n"

# Values that a cast did not understand: the server says which value (the proxy does not), but not where.
OF_A_CAST = {"22P02", "22007", "22008", "22003"}

# After these this client has a state of its own (a transaction, settings, cursors), which only its own
# connection has.
STATEFUL = {
    "BEGIN",
    "START",
    "SET",
    "RESET",
    "PREPARE",
    "DECLARE",
    "LISTEN",
    "CREATE",
    "DISCARD",
    "LOAD",
    "SAVEPOINT",
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
            raise _unreachable(error) from None
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
        elif len(self._notices) < 20:
            self._notices.append(f"{diagnostic.severity or 'NOTICE'}: {diagnostic.message_primary}")

    # -- statements ----------------------------------------------------------------------------------------

    def run(self, bound: Bound, limit: int) -> Result:
        """Run one statement; at most `limit` rows of a result (0: all).

        Raises SqlError in terms of what the user wrote. An interrupt cancels on the server.
        """
        from psycopg.pq import TransactionStatus

        fresh = self._connection is None or self._connection.closed
        connection = self.connection()
        self._notices, self._marks = self._notices if fresh else [], {}
        if connection.info.transaction_status == TransactionStatus.INERROR:  # an interrupt left it so
            connection.rollback()
            self._notices.append("The transaction that you began was rolled back.")
        shift = 0
        try:
            described = self._describe(connection, bound)
            words = tokens(bound.text)
            sent, cut_at = bound.text, 0
            if described.columns and limit and _can_wrap(bound.text, words, limit):
                # Fetching one row more says whether there are more; the server plans for the few, and
                # nobody's row beyond them counts against the budget.
                sent = f"{WRAP}{_without_semicolon(bound.text, words)}\n) AS result LIMIT {limit + 1}"
                shift, cut_at = len(WRAP), limit
            if self._columnar(connection, described, words, limit):
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
        if words and words[0].kind != "SELECT" and _word(bound.text, words[0]) in STATEFUL | {"COMMAND"}:
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
        self, connection: Connection[Any], described: _Described, words: list[Token], limit: int
    ) -> bool:
        from psycopg import pq

        from devinprod_jupyter.results import bulk_exact

        return (
            (limit == 0 or limit > BULK_ROWS)
            and bool(described.columns)
            and bool(words)
            and words[0].kind in {"SELECT", "WITH", "VALUES", "TABLE", "L_PAREN"}
            and not _writes(words)
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

    # -- errors --------------------------------------------------------------------------------------------

    def _translated(
        self, error: Exception, bound: Bound, shift: int, connection: Connection[Any]
    ) -> Exception:
        import psycopg
        from psycopg import pq

        if not isinstance(error, psycopg.Error):
            found = _adbc_error(error, bound)
            return found or error
        note = ""
        if not connection.closed and connection.info.transaction_status == pq.TransactionStatus.INERROR:
            # The next cell must work: nobody wants to type ROLLBACK first.
            connection.rollback()
            note = "The transaction that you began was rolled back."
        diagnostic = error.diag
        if diagnostic.severity_nonlocalized == "FATAL" or (diagnostic.sqlstate is None and connection.closed):
            connection.close()
            why = diagnostic.message_primary or "the session ended, or the proxy was restarted"
            return NotConnected(
                f"The connection to {self._session} was lost: {why}.", hint=diagnostic.message_hint
            )
        position = int(diagnostic.statement_position) if diagnostic.statement_position else None
        if position is not None and shift:
            position = (
                max(position - shift, 1) if "result LIMIT" not in (diagnostic.message_primary or "") else None
            )
        if position is None and diagnostic.sqlstate in OF_A_CAST:
            return self._error(error, bound, _only_cast(bound), note)
        return self._error(error, bound, bound.position(position), note)

    def _error(self, error: psycopg.Error, bound: Bound, position: int | None, note: str) -> SqlError:
        diagnostic = error.diag
        hint = " ".join(part for part in (diagnostic.message_hint, note) if part) or None
        if (
            hint is None
            and diagnostic.sqlstate == "42601"
            and bound.values
            and _near_parameter(bound, position)
        ):
            hint = "A variable stands for a value, not for the name of a table or a column."
        return SqlError(
            diagnostic.message_primary or str(error) or type(error).__name__,
            sqlstate=diagnostic.sqlstate or error.sqlstate or "",
            sql=bound.asked,
            position=position,
            detail=diagnostic.message_detail,
            hint=hint,
        )


def _near_parameter(bound: Bound, position: int | None) -> bool:
    return bool(bound.values) and position is not None and bound.asked[position - 1 : position] == ":"


def _only_cast(bound: Bound) -> int | None:
    """Where the one cast of a statement stands, for errors that the server gives no position for."""
    asked = bound.asked
    casts = [
        token.start + 1
        for token in tokens(asked)
        if token.kind == "DCOLON" or asked[token.start : token.end].upper() == "CAST"
    ]
    return casts[0] if len(casts) == 1 else None


def _word(sql: str, token: Token) -> str:
    words = sql[token.start : token.end].split()
    return words[0].upper() if words else ""


def _writes(words: Sequence[Token]) -> bool:
    return any(token.kind in {"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"} for token in words)


def _can_wrap(sql: str, words: Sequence[Token], limit: int) -> bool:
    """Whether the statement is a query that keeps its meaning inside of ``SELECT * FROM (...) LIMIT n``."""
    if not words or words[0].kind not in {"SELECT", "WITH", "VALUES", "L_PAREN", "TABLE"} or _writes(words):
        return False
    depth = 0
    for index, token in enumerate(words):
        depth += (token.kind in {"L_PAREN", "L_BRACKET"}) - (token.kind in {"R_PAREN", "R_BRACKET"})
        if token.kind == "FOR" and depth == 0:
            return False  # FOR UPDATE: which rows get locked is the user's word
        if token.kind == "LIMIT" and depth == 0 and index + 1 < len(words):
            number = words[index + 1]
            if number.kind == "NUMBER" and sql[number.start : number.end].isdigit():
                return int(sql[number.start : number.end]) > limit
    return True


def _without_semicolon(sql: str, words: Sequence[Token]) -> str:
    last = words[-1]
    return sql[: last.start] + sql[last.end :] if last.kind == "SEMICOLON" else sql


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


def _adbc_error(error: Exception, bound: Bound) -> SqlError | None:
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is None:
        return None
    text = str(error)
    match = re.search(r"(?:ERROR|FATAL):\s+(.*)", text)
    details = dict(getattr(error, "details", None) or [])

    def said(key: str) -> str | None:
        value = details.get(key)
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    return SqlError(
        said("PG_DIAG_MESSAGE_PRIMARY") or (match.group(1) if match else "The statement failed."),
        sqlstate=str(sqlstate),
        sql=bound.asked,
        detail=said("PG_DIAG_MESSAGE_DETAIL"),
        hint=said("PG_DIAG_MESSAGE_HINT"),
    )


def _unreachable(error: Exception) -> Exception:
    """A failed login in words that name no address."""
    text = str(error)
    match = re.search(r"FATAL:\s+([^\n]*)", text)
    if match:
        hint = re.search(r"HINT:\s+([^\n]*)", text)
        return CommandFailed(f"The proxy refused: {match.group(1)}", hint=hint.group(1) if hint else None)
    return CommandFailed(
        "The proxy does not answer.",
        hint="Is it running, and is this machine allowed to reach it?",
        status=503,
    )
