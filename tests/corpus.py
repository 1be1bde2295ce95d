"""Statements in files, run over a wire of which every byte is kept.

A file of ``tests/attacks`` or ``tests/benign`` is SQL, in steps that a line ``-- then`` divides. Its
first comments say what it is, and, as ``-- key: value``:

``expect``   ``refused SQLSTATE`` (some step must fail with it), ``runs`` (no step may fail)
``answer``   the first value of the last result with rows
``tag``      the command tag of the last step that is not ROLLBACK
``copy``     a line of data for COPY FROM STDIN (several allowed)
``control``  what the same text does on plain PostgreSQL: ``leaks`` (a canary arrives), ``answers``
             (another answer or tag), ``runs`` (no error), ``none: why``
``same``     benign only: ``shape`` (default: columns, tags and number of rows as on plain PostgreSQL),
             ``rows`` (and every value), ``none: why``
"""

from __future__ import annotations

import datetime
import re
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from devinprod_proxy.pgwire import backend, frontend
from devinprod_proxy.pgwire.client_startup import ClientStartup
from devinprod_proxy.pgwire.frames import Frame
from psycopg.conninfo import conninfo_to_dict

Mode = Literal["simple", "extended", "binary"]
MODES: tuple[Mode, ...] = ("simple", "extended", "binary")
_HEADER = re.compile(r"-- (expect|answer|tag|copy|control|same): ?(.*)")
_DATE = 1082
_EPOCH_DAY = datetime.date(2000, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Case:
    """One file."""

    name: str
    steps: tuple[str, ...]
    headers: dict[str, str]
    copy: tuple[str, ...] = ()

    def header(self, key: str, default: str = "") -> str:
        """The value of one header line."""
        return self.headers.get(key, default)


@dataclass(slots=True)
class Step:
    """What one statement was answered with."""

    tag: str = ""
    columns: tuple[str, ...] = ()
    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)
    error: dict[str, str] = field(default_factory=dict)

    @property
    def sqlstate(self) -> str | None:
        """The error's code, None where there was none."""
        return self.error.get("C")


@dataclass(slots=True)
class Answer:
    """All that arrived: the raw bytes, and the answers in order."""

    received: bytes
    steps: list[Step]

    @property
    def errors(self) -> list[dict[str, str]]:
        """The errors, as fields by their letters."""
        return [step.error for step in self.steps if step.error]

    def value(self) -> str | None:
        """The first value of the last answer that has rows."""
        for step in reversed(self.steps):
            if step.rows and step.rows[0]:
                first = step.rows[0][0]
                return None if first is None else first.decode()
        return None

    def tag(self) -> str:
        """The command tag of the last statement that is not ROLLBACK."""
        return next((s.tag for s in reversed(self.steps) if s.tag != "ROLLBACK"), "")


def read_case(path: Path) -> Case:
    """Read one file."""
    headers: dict[str, str] = {}
    copy: list[str] = []
    lines: list[str] = []
    for line in path.read_text().splitlines():
        found = _HEADER.fullmatch(line)
        if found is None:
            lines.append(line)
        elif found[1] == "copy":
            copy.append(found[2].replace("\\t", "\t"))
        else:
            headers[found[1]] = found[2]
    steps = [s.strip() for s in re.split(r"^-- then$", "\n".join(lines), flags=re.MULTILINE)]
    return Case(path.stem, tuple(s for s in steps if s), headers, tuple(copy))


class Wire:
    """A client that keeps every byte it receives. *dsn* as libpq has it: host, port, user, password."""

    def __init__(self, dsn: str) -> None:
        parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
        self._socket = socket.create_connection((parts["host"], int(parts["port"])), timeout=60)
        self.heard = bytearray()
        self._read = 0
        parameters = {"user": parts["user"], "database": parts["dbname"], "client_encoding": "UTF8"}
        if "options" in parts:
            parameters["options"] = parts["options"]
        startup = ClientStartup(parameters, password=parts.get("password"), private=True)
        try:
            self._socket.sendall(startup.first())
            for frame in self.frames():
                reply = startup.handle(frame)
                if reply:
                    self._socket.sendall(reply)
                if startup.done:
                    break
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        """Say goodbye, take what still comes, and hang up."""
        with self._socket:
            self._socket.sendall(frontend.terminate())
            while chunk := self._socket.recv(65536):
                self.heard += chunk

    def frames(self) -> Iterator[Frame]:
        """The messages that come, one after the other."""
        while True:
            while len(self.heard) - self._read >= 5:
                length = struct.unpack_from("!I", self.heard, self._read + 1)[0]
                if len(self.heard) - self._read <= length:
                    break
                body = bytes(self.heard[self._read + 5 : self._read + 1 + length])
                kind = self.heard[self._read]
                self._read += 1 + length
                yield Frame(kind, body)
            chunk = self._socket.recv(65536)
            if not chunk:
                return
            self.heard += chunk

    def send(self, sql: str, mode: Mode = "simple", copy: Sequence[str] = ()) -> list[Step]:
        """Run a text and collect what it is answered with; several statements only go by ``simple``."""
        if mode == "simple" or ";" in sql.rstrip(";\n "):
            self._socket.sendall(frontend.query(sql))
        else:
            formats = [1] if mode == "binary" else []
            self._socket.sendall(
                frontend.parse("", sql) + frontend.bind("", "", [], [], formats)
                + frontend.describe("P", "") + frontend.execute("") + frontend.sync()
            )  # fmt: skip
        steps: list[Step] = []
        step, columns = Step(), list[backend.Column]()
        for frame in self.frames():
            match chr(frame.kind):
                case "T":
                    columns = backend.parse_row_description(frame.body)
                    step.columns = tuple(column.name for column in columns)
                case "D":
                    step.rows.append(_values(frame.body, columns))
                case "d":
                    step.rows.append((frame.body,))
                case "G":
                    data = b"".join(frontend.copy_data(line.encode() + b"\n") for line in copy)
                    again = frontend.sync() if mode != "simple" else b""
                    self._socket.sendall(data + frontend.copy_done() + again)
                case "C" | "I":
                    step.tag = backend.parse_command_complete(frame.body) if frame.body else ""
                    steps.append(step)
                    step, columns = Step(), []
                case "E":
                    step.error = dict(backend.parse_error_fields(frame.body))
                    steps.append(step)
                    step, columns = Step(), []
                case "Z":
                    return steps
        return [*steps, Step(error={"C": "08006", "M": "the connection ended"})]


def _values(body: bytes, columns: list[backend.Column]) -> tuple[bytes | None, ...]:
    values: list[bytes | None] = []
    at = 2
    for column in columns:
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        value = None if size < 0 else body[at : at + size]
        at += max(size, 0)
        if value is not None and column.format == 1 and column.type_oid == _DATE:
            day = struct.unpack("!i", value)[0]  # say it as text, for the canaries
            value = datetime.date.fromordinal(_EPOCH_DAY + day).isoformat().encode()
        values.append(value)
    return tuple(values)


def talk(dsn: str, case: Case, mode: Mode = "simple", *, inside: bool = False) -> Answer:
    """Run a case over a connection of its own; *inside*: in one transaction that is rolled back."""
    steps: list[Step] = []
    with Wire(dsn) as wire:
        if inside:
            wire.send("BEGIN")
        for sql in case.steps:
            if inside:
                wire.send("SAVEPOINT step")
                sql = re.sub(r"\bROLLBACK$", "ROLLBACK TO ctl", re.sub(r"^BEGIN\b", "SAVEPOINT ctl", sql))
            found = wire.send(sql, mode, case.copy)
            steps.extend(found)
            if inside and any(step.error for step in found):
                wire.send("ROLLBACK TO step")
    return Answer(bytes(wire.heard), steps)


def leaks(answer: Answer, canaries: Sequence[bytes]) -> list[bytes]:
    """The canaries that arrived, in any byte or in any value."""
    values = b"\0".join(v for step in answer.steps for row in step.rows for v in row if v is not None)
    lowered = (answer.received + b"\0" + values).lower()
    return [canary for canary in canaries if canary.lower() in lowered]
