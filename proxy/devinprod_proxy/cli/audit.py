"""``devinprod audit``: what was done, and whether the record of it is whole."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from devinprod_proxy.cli.output import CommandFailed, complain, plain
from devinprod_proxy.config import load_config
from devinprod_proxy.server import audit_folder

Record = dict[str, Any]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    audit = commands.add_parser("audit", help="the record of everything done: verify, tail, show, export")
    actions = audit.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser(
        "verify",
        help="check that no record was changed, removed or cut off",
        description="Works on a running proxy's folder and on a copy of one. Exit code 1: it is not sound.",
    )
    one.set_defaults(carry_out=_verify)
    one = actions.add_parser("tail", help="the last records, one a line")
    one.add_argument(
        "-n", "--lines", type=int, default=20, metavar="N", help="how many (default: %(default)s)"
    )
    one.add_argument("-f", "--follow", action="store_true", help="go on with new ones until Ctrl-C")
    _filters(one)
    one.add_argument("--json", action="store_true", help="the records as they stand")
    one.set_defaults(carry_out=_tail)
    one = actions.add_parser("show", help="one record and those that belong to it, whole")
    one.add_argument("id", metavar="ID", help="as tail shows it")
    one.set_defaults(carry_out=_show)
    one = actions.add_parser("export", help="all records, or some, for another program")
    one.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl", help="default: %(default)s")
    one.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    _filters(one)
    one.set_defaults(carry_out=_export)
    for action in actions.choices.values():
        where = action.add_mutually_exclusive_group(required=True)
        where.add_argument("--config", metavar="FILE", help="devinprod.toml")
        where.add_argument("--audit", type=Path, metavar="DIR", help="the folder of the record, or a copy")


def _filters(action: argparse.ArgumentParser) -> None:
    for name in ("user", "session", "kind"):
        action.add_argument(f"--{name}", metavar=name.upper(), help=f"only records of this {name}")


def _folder(said: argparse.Namespace) -> Path:
    folder: Path = said.audit or load_config(said.config, check_files=False).proxy.audit
    if not folder.is_dir():
        raise CommandFailed(f"there is no folder {folder}", "--audit names the folder of an audit record.")
    return folder


def _verify(said: argparse.Namespace) -> int:
    folder = _folder(said)
    try:
        report = audit_folder.verify_folder(folder)
    except OSError as error:
        raise CommandFailed(f"{folder} cannot be read: {error.strerror}") from None
    if report.fault is not None:
        hint = f"The {report.last.count:,} records before that are sound."
        return complain(f"the record in {folder} is not sound: {report.fault}", hint)
    print(f"{folder}: {report.last.count:,} records, every one as it was written.")
    print(f"The last is {report.last.count}, hash {report.last.hash}.")
    if report.recoveries:
        print(f"{report.recoveries} times a proxy was stopped while it wrote (audit tail --kind recovery).")
    if report.unfinished:
        print("Behind them stands the beginning of one more: being written now, or torn by a crash.")
    return 0


def _records(folder: Path, said: argparse.Namespace) -> Iterator[tuple[bytes, Record]]:
    for line in audit_folder.lines(folder):
        record = _parsed(line)
        if record is not None and _wanted(record, said):
            yield line, record


def _parsed(line: bytes) -> Record | None:
    """A line as a record; None for torn bytes."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _wanted(record: Record, said: argparse.Namespace) -> bool:
    return all(
        wanted is None or record.get(name) == wanted
        for name, wanted in (("user", said.user), ("session", said.session), ("kind", said.kind))
    )


def _tail(said: argparse.Namespace) -> int:
    folder = _folder(said)
    follower = audit_folder.Follower(folder)
    for line, record in deque(_records(folder, said), maxlen=max(0, said.lines)):
        _print(line, record, said.json)
    while said.follow:
        sys.stdout.flush()
        time.sleep(0.25)
        for line in follower.more():
            new = _parsed(line)
            if new is not None and _wanted(new, said):
                _print(line, new, said.json)
    return 0


def _print(line: bytes, record: Record, as_json: bool) -> None:
    print(line.decode("utf-8", "replace") if as_json else summary(record))


def summary(record: Record) -> str:
    """One record in one line.

    >>> summary({"seq": 7, "at": "2026-01-31T10:00:00.000000Z", "kind": "proxy.start"})
    '2026-01-31T10:00:00.000Z  7  proxy.start'
    """
    who = "/".join(str(record[key]) for key in ("user", "session") if record.get(key))
    at = str(record.get("at", ""))
    at = at[:23] + "Z" if len(at) > 24 else at
    parts = [at, str(record.get("id") or record.get("seq", "?")), who, str(record.get("kind", "?"))]
    parts += [
        f"{key}={record[key]}" for key in ("of", "rows", "ms", "sqlstate") if record.get(key) is not None
    ]
    if record.get("masked"):
        parts.append(f"masked={len(record['masked'])}")
    parts += [str(record[key]) for key in ("message", "asked", "reason") if record.get(key)][:1]
    text = "  ".join(plain(part) for part in parts if part)
    return text if len(text) <= 500 else f"{text[:499]}…"


def _show(said: argparse.Namespace) -> int:
    wanted = said.id
    found = False
    for line in audit_folder.lines(_folder(said)):
        record = _parsed(line) or {}
        if wanted in (record.get("id"), record.get("of"), record.get("cell"), str(record.get("seq"))):
            found = True
            print(json.dumps(record, indent=2, ensure_ascii=True))
    return 0 if found else complain(f"there is no record {wanted}", "devinprod audit tail shows their ids.")


def _export(said: argparse.Namespace) -> int:
    folder = _folder(said)
    with ExitStack() as stack:
        if said.output is not None:
            output: BinaryIO = stack.enter_context(said.output.open("wb"))
        else:
            output = sys.stdout.buffer
        if said.format == "parquet":
            _parquet([record for _, record in _records(folder, said)], output)
        else:
            for line, _ in _records(folder, said):
                output.write(line + b"\n")
        output.flush()
    return 0


def _parquet(records: list[Record], output: BinaryIO) -> None:
    """A column for each field; a field whose values are not all of one simple type is JSON text."""
    import pyarrow
    from pyarrow import parquet

    columns: dict[str, list[object]] = {}
    for name in dict.fromkeys(key for record in records for key in record):
        values = [record.get(name) for record in records]
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            values = [None if value is None else float(value) for value in values]
        elif len(kinds) > 1 or kinds & {dict, list}:
            values = [None if value is None else json.dumps(value) for value in values]
        columns[name] = values
    parquet.write_table(pyarrow.table(columns), output)
