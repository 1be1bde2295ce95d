"""Whose fault is it, and what should they do next?

A *refusal* is a value (:class:`Refusal`): the judgement "this does not run, and here is why".
The exceptions below carry one across places where a value cannot be returned. Each is named by
whose fault it is, so that the text of the answer follows from its type.

SQLSTATEs are those of the PostgreSQL manual, appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Whose = Literal["client", "upstream", "operator"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something does not run, in the words of a PostgreSQL error.

    ``position`` counts characters from 1 in the client's own statement text, as field ``P`` of
    ErrorResponse does (PostgreSQL manual, 54.8).

    >>> Refusal("42501", "pg_read_file() reads files of the server").sqlstate
    '42501'
    """

    sqlstate: str
    message: str
    hint: str | None = None
    detail: str | None = None
    position: int | None = None
    whose: Whose = "client"

    def at(self, position: int | None) -> Refusal:
        """The same refusal, pointing at *position* (1-based) in the client's text."""
        return replace(self, position=position)


class DevinprodError(Exception):
    """Base of all faults of this package; always carries a :class:`Refusal`."""

    whose: Whose = "operator"

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "XX000",
        hint: str | None = None,
        detail: str | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message)
        self.refusal = Refusal(sqlstate, message, hint, detail, position, self.whose)


class ClientFault(DevinprodError):
    """The client sent what cannot be accepted: bad protocol, bad login, a statement out of place."""

    whose: Whose = "client"


class UpstreamFault(DevinprodError):
    """The target database failed, vanished, or said what it should not."""

    whose: Whose = "upstream"


class FileInvalid(DevinprodError):
    """A file of the operator's cannot be used: says file, line and key."""

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = file if line is None else f"{file}:{line}"
        named = "" if key is None else f" {key}:"
        super().__init__(f"{place}:{named} {message}", sqlstate="F0000", hint=hint)
        self.file, self.line, self.key = file, line, key


class PolicyInvalid(FileInvalid):
    """The policy file is wrong; the old policy, if any, stays in force."""


class ConfigInvalid(FileInvalid):
    """The configuration file is wrong; nothing is started."""


class AuditUnavailable(DevinprodError):
    """The audit record cannot be written, so nothing runs."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            sqlstate="58030",
            hint="The audit record cannot be written, so no statement is sent. Ask the operator of devinprod.",
        )
