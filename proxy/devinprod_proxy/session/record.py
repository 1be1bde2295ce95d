"""Was the audit record changed?

A record is one line of JSON.  It begins with its own hash, its number and the hash of the record
before it:

    {"hash":"…64…","seq":7,"prev":"…64…","at":"2026-01-31T…","kind":"statement",…}

``hash`` is SHA-256 over the rest of the line as it stands (``{"seq":…}``), so one changed byte
anywhere breaks that line, and a line taken away, added or moved breaks the next.  The *head* is the
number and hash of the last record known to be on disk; it finds what the chain alone cannot: an end
that was cut off.

A record that a crash left half written stays where it is.  The next start closes it with a record of
kind ``recovery`` that names the length and SHA-256 of the torn bytes before it.

No key is involved: someone who may rewrite the whole folder, head included, can make another valid
chain.  Whoever must exclude that keeps a copy of the head elsewhere (docs/audit.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64
"""What the first record names as the one before it."""

RECOVERY = "recovery"

_LAYOUT = re.compile(
    rb'\{"hash":"([0-9a-f]{64})",("seq":([1-9]\d{0,18}),"prev":"([0-9a-f]{64})"(?:,.*)?\})', re.DOTALL
)
_HEAD = re.compile(rb'\{"count":(0|[1-9]\d{0,18}),"hash":"([0-9a-f]{64})"\}\n')
_OWN = frozenset({"hash", "seq", "prev"})


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: how many records there are, and the hash of the last."""

    count: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong: where (``line`` from 1, None for a whole file) and what, for a person."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file} line {self.line}"
        return f"{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found: the last good link, how many tears were closed, the first fault.

    ``unfinished``: behind the head stands the beginning of one more record.  It was being written
    when the folder was copied, or a crash tore it.
    """

    last: Link
    recoveries: int = 0
    unfinished: bool = False
    fault: Fault | None = None


def chain(last: Link, fields: Mapping[str, object]) -> tuple[bytes, Link]:
    """The line (with its newline) that continues the chain behind *last*, and the new last link.

    Raises ValueError for fields that JSON cannot hold or that use the chain's own names.  A lone
    surrogate (a client's broken UTF-8) is written as its JSON escape.

    >>> line, link = chain(Link(), {"kind": "proxy.start"})
    >>> link.count, line[76:84]
    (1, b'seq":1,"')
    """
    if not _OWN.isdisjoint(fields):
        raise ValueError("a record cannot set hash, seq or prev itself")
    whole = {"seq": last.count + 1, "prev": last.hash, **fields}
    # Some readers take these for the end of a line; inside of JSON they can only be in strings.
    text = _encode(whole).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
    body = text.encode("utf-8", "backslashreplace")
    digest = hashlib.sha256(body).hexdigest()
    return b'{"hash":"%s",%s\n' % (digest.encode(), body[1:]), Link(last.count + 1, digest)


def head_text(last: Link) -> bytes:
    """What the head file holds when *last* is the last record on disk.

    >>> head_text(Link())[:11]
    b'{"count":0,'
    """
    return b'{"count":%d,"hash":"%s"}\n' % (last.count, last.hash.encode())


def parse_head(text: bytes) -> Link | None:
    """The link in a head file, None when it is not exactly what :func:`head_text` writes."""
    match = _HEAD.fullmatch(text)
    return None if match is None else Link(int(match[1]), match[2].decode())


def verify(segments: Iterable[tuple[str, bytes]], head: bytes | None, head_name: str = "head.json") -> Report:
    """Check a whole record: its segments in order (name and content), and its head.

    *head* must have been read before the segments, so that a growing record is never behind it.
    Raises nothing: the first fault is in the report.

    >>> line, link = chain(Link(), {"kind": "proxy.start"})
    >>> verify([("00000001.jsonl", line)], head_text(link)).fault is None
    True
    >>> str(verify([("00000001.jsonl", line.replace(b"start", b"start!"))], head_text(link)).fault)
    '00000001.jsonl line 1: the content does not match its hash: it was changed'
    """
    at_head = None if head is None else parse_head(head)
    last, recoveries, name, torn = Link(), 0, "", None
    met = at_head == last
    for number, (name, content) in enumerate(segments, 1):
        if torn is not None:
            return Report(last, recoveries, fault=torn)
        if name != segment_name(number):
            gap = Fault(segment_name(number), None, f"is missing: the next file is {name}")
            return Report(last, recoveries, fault=gap)
        walk = Walk(name, content, last)
        for link in walk:
            met = met or link == at_head
        last, recoveries = walk.last, recoveries + walk.recoveries
        if walk.fault is not None and not walk.unfinished:
            return Report(last, recoveries, fault=walk.fault)
        torn = walk.fault
    fault: Fault | None = None
    if at_head is None:
        what = "is missing: a cut end cannot be seen" if head is None else "is not a head: it was changed"
        fault = Fault(head_name, None, what)
    elif at_head.count > last.count:
        what = f"the record ends with number {last.count}, but the head knows {at_head.count}: it was cut off"
        what += " (in a copy of a running record: or the head was copied much later than the segments)"
        fault = Fault(name or segment_name(1), None, what)
    elif not met:
        what = f"does not fit record {at_head.count}: the head or the whole record was replaced"
        fault = Fault(head_name, None, what)
    return Report(last, recoveries, torn is not None, fault)


def segment_name(number: int) -> str:
    """The name of the file with that number, from 1.

    >>> segment_name(1)
    '00000001.jsonl'
    """
    return f"{number:08d}.jsonl"


class Walk:
    """One segment's links, in order.  After the iteration ``end`` is how many bytes are good.

    Iterating stops at the first fault and leaves it in ``fault``; ``unfinished`` tells one kind of
    it apart, the beginning of the next record at the very end.
    """

    def __init__(self, name: str, content: bytes, last: Link) -> None:
        self.name, self.content, self.last = name, content, last
        self.end = 0
        self.recoveries = 0
        self.fault: Fault | None = None
        self.unfinished = False
        self._line = 0

    def __iter__(self) -> Iterator[Link]:
        while self.end < len(self.content):
            self._line += 1
            newline = self.content.find(b"\n", self.end)
            line = self.content[self.end : newline if newline >= 0 else len(self.content)]
            link = _continues(line, self.last)
            if newline < 0:
                self.unfinished = _begins(line, self.last)
                what = "the last line is unfinished: a crash or a cut (a proxy that starts closes it)"
                if not self.unfinished:
                    what = "is not a record: it was changed, or something else wrote here"
                self.fault = Fault(self.name, self._line, what)
                return
            if isinstance(link, Link):
                self._advance(line, link, newline)
            elif not self._closed_tear():
                self.fault = Fault(self.name, self._line, link)
                return
            yield self.last

    def _advance(self, line: bytes, link: Link, newline: int) -> None:
        self.last = link
        self.recoveries += b'"kind":"recovery"' in line
        self.end = newline + 1

    def _closed_tear(self) -> bool:
        """Whether what stands here is torn bytes with a recovery record behind them; steps over both."""
        lines = self._line
        newline = self.content.find(b"\n", self.end)
        while newline >= 0:
            torn = self.content[self.end : newline]
            begin = newline + 1
            lines += 1
            newline = self.content.find(b"\n", begin)
            line = self.content[begin:newline] if newline >= 0 else b""
            if b'"kind":"recovery"' not in line:
                continue
            link = _continues(line, self.last)
            if isinstance(link, Link) and _explains(line, torn):
                self._line = lines
                self._advance(line, link, newline)
                return True
        return False


def _explains(line: bytes, torn: bytes) -> bool:
    """Whether *line* is the recovery record of exactly these *torn* bytes."""
    fields = json.loads(line)
    said = (fields["kind"], fields.get("torn_bytes"), fields.get("torn_sha256"))
    return said == (RECOVERY, len(torn), hashlib.sha256(torn).hexdigest())


def _begins(torn: bytes, last: Link) -> bool:
    """Whether *torn* is how the record behind *last* begins, as far as it goes."""
    rest = b'","seq":%d,"prev":"%s"' % (last.count + 1, last.hash.encode())
    before, digest, behind = torn[:9], torn[9:73], torn[73:]
    return (
        b'{"hash":"'.startswith(before)
        and not digest.strip(b"0123456789abcdef")
        and (rest.startswith(behind) or behind.startswith(rest))
    )


def _continues(line: bytes, last: Link) -> Link | str:
    """The link that *line* (without newline) makes behind *last*, or why it makes none."""
    match = _LAYOUT.fullmatch(line)
    if match is None:
        return "is not a record: it was changed, or something else wrote here"
    if hashlib.sha256(b"{" + match[2]).hexdigest().encode() != match[1]:
        return "the content does not match its hash: it was changed"
    number = int(match[3])
    if number > last.count + 1:
        return f"this is record {number}, after record {last.count}: records between them are missing"
    if number <= last.count:
        return f"this is record {number}, after record {last.count}: records were moved or repeated"
    if match[4].decode() != last.hash:
        return f"record {number} does not continue record {last.count}: one of them was replaced"
    return Link(number, match[1].decode())
