"""Who may say what, when, and what answers it?

**Login.** A client begins with a packet that has no letter. SSLRequest and GSSENCRequest ask for
encryption and are answered by one byte; then the client begins anew. CancelRequest is a connection
of its own: no login, no answer, the key is the proof. StartupMessage begins a login:
NegotiateProtocolVersion if the client asked for more than there is, Authentication messages back
and forth, then ParameterStatus (several), BackendKeyData, and the first ReadyForQuery.

**Simple query.** Query -> for each statement in its text RowDescription, DataRow ... CommandComplete
(or CommandComplete alone, or EmptyQueryResponse, or a COPY) -> ReadyForQuery, exactly one. An error
ends the text: ErrorResponse, then ReadyForQuery.

**Extended query.** Each message has its answer (:data:`ANSWER_ENDS`), in order. A client need not
wait for one: it may send a hundred messages and read later. Nothing obliges the server to send
what it has written before Flush or Sync. After an ErrorResponse the server skips everything up to
the next Sync: what was sent meanwhile is *not answered at all*. So whoever pairs questions with
answers must strike out the rest of the batch at an error. Sync is answered by ReadyForQuery, also
then, and ends an implicit transaction. Sync inside a simple query does not exist; Query inside a
batch is allowed and acts as if a Sync stood behind it.

**COPY FROM STDIN.** CopyInResponse gives the word to the client: CopyData until CopyDone or
CopyFail. The server ignores Flush and Sync meanwhile (a client that pipelines may have sent Sync
already, and libpq's callers do; another one comes after CopyDone). Any other message is an error.
After an error in the middle the server throws away CopyData, CopyDone and CopyFail that still
arrive, in the extended protocol everything up to Sync.

**COPY TO STDOUT.** CopyOutResponse, CopyData ..., CopyDone, CommandComplete.

**At any time** a server may send NoticeResponse, ParameterStatus and NotificationResponse
(:data:`ANYTIME`), between any two messages, also inside a result. And a FATAL ErrorResponse, after
which it closes.

Not served here: FunctionCall (it runs a function that no text names), replication (CopyBoth),
protocol 2.0.

Source: PostgreSQL manual, 54.2 (Message Flow).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from devinprod_proxy.pgwire.kinds import Backend, Frontend


class Phase(StrEnum):
    """What a server is doing for a client that has logged in."""

    IDLE = "idle"  # nothing is unanswered
    BATCH = "batch"  # extended query, before its Sync
    SKIPPING = "skipping"  # an error stands in the batch: unanswered up to Sync
    QUERY = "query"  # simple query, before its ReadyForQuery
    COPY_IN = "copy_in"  # the client has the word


#: Messages that a server sends between any two others.
ANYTIME: Final[frozenset[int]] = frozenset(
    {Backend.NOTICE_RESPONSE, Backend.PARAMETER_STATUS, Backend.NOTIFICATION_RESPONSE}
)

#: The last message of the answer to each question; Flush has none. ErrorResponse ends the answer
#: to anything but Query and Sync, which always end with ReadyForQuery.
ANSWER_ENDS: Final[Mapping[int, frozenset[int]]] = {
    Frontend.PARSE: frozenset({Backend.PARSE_COMPLETE, Backend.ERROR_RESPONSE}),
    Frontend.BIND: frozenset({Backend.BIND_COMPLETE, Backend.ERROR_RESPONSE}),
    Frontend.CLOSE: frozenset({Backend.CLOSE_COMPLETE, Backend.ERROR_RESPONSE}),
    # Of a statement, ParameterDescription comes before: it does not end the answer.
    Frontend.DESCRIBE: frozenset({Backend.ROW_DESCRIPTION, Backend.NO_DATA, Backend.ERROR_RESPONSE}),
    Frontend.EXECUTE: frozenset(
        {
            Backend.COMMAND_COMPLETE,
            Backend.EMPTY_QUERY_RESPONSE,
            Backend.PORTAL_SUSPENDED,
            Backend.ERROR_RESPONSE,
        }
    ),
    Frontend.SYNC: frozenset({Backend.READY_FOR_QUERY}),
    Frontend.QUERY: frozenset({Backend.READY_FOR_QUERY}),
}

#: What may stand inside an answer, before its end. The rest of a Query is all of these and
#: CommandComplete, EmptyQueryResponse and ErrorResponse, as often as its text has statements.
ANSWER_HOLDS: Final[Mapping[int, frozenset[int]]] = {
    Frontend.PARSE: frozenset(),
    Frontend.BIND: frozenset(),
    Frontend.CLOSE: frozenset(),
    Frontend.DESCRIBE: frozenset({Backend.PARAMETER_DESCRIPTION}),
    Frontend.EXECUTE: frozenset(
        {
            Backend.DATA_ROW,
            Backend.COPY_IN_RESPONSE,
            Backend.COPY_OUT_RESPONSE,
            Backend.COPY_DATA,
            Backend.COPY_DONE,
        }
    ),
    Frontend.SYNC: frozenset(),
    Frontend.QUERY: frozenset(
        {
            Backend.ROW_DESCRIPTION,
            Backend.DATA_ROW,
            Backend.COPY_IN_RESPONSE,
            Backend.COPY_OUT_RESPONSE,
            Backend.COPY_DATA,
            Backend.COPY_DONE,
            Backend.COMMAND_COMPLETE,
            Backend.EMPTY_QUERY_RESPONSE,
            Backend.ERROR_RESPONSE,
        }
    ),
}

#: Messages of the extended protocol: an error before their Sync leaves them without an answer.
EXTENDED: Final[frozenset[int]] = frozenset(
    {
        Frontend.PARSE,
        Frontend.BIND,
        Frontend.DESCRIBE,
        Frontend.EXECUTE,
        Frontend.CLOSE,
        Frontend.FLUSH,
    }
)

#: COPY messages of a client: outside COPY_IN they are what is left of one that failed.
COPY: Final[frozenset[int]] = frozenset({Frontend.COPY_DATA, Frontend.COPY_DONE, Frontend.COPY_FAIL})

#: What a client may say in each phase. Clients may be ahead of the answers: a batch behind a Query
#: that is still running belongs to the phase in which the server will read it.
MAY_SAY: Final[Mapping[Phase, frozenset[int]]] = {
    Phase.IDLE: EXTENDED | COPY | {Frontend.QUERY, Frontend.SYNC, Frontend.TERMINATE},
    Phase.BATCH: EXTENDED | COPY | {Frontend.QUERY, Frontend.SYNC, Frontend.TERMINATE},
    Phase.SKIPPING: EXTENDED | COPY | {Frontend.QUERY, Frontend.SYNC, Frontend.TERMINATE},
    Phase.QUERY: frozenset({Frontend.TERMINATE}),
    Phase.COPY_IN: COPY | {Frontend.FLUSH, Frontend.SYNC, Frontend.TERMINATE},
}
