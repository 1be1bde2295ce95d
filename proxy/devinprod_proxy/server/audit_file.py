"""How does the audit record reach the disk, and what does a crash leave of it?

A folder of append-only segments (``00000001.jsonl`` …) with ``head.json`` beside them.  A record is
handed to the operating system before :meth:`AuditFile.append` returns, so a killed proxy loses
nothing; a thread forces it to the disk at most 10 ms later, which is what a power cut can cost
(``audit_sync = "each"`` and :meth:`AuditFile.durable` wait for the disk instead).

The head is written behind the segments: it names a record only after that was forced to the disk,
and :data:`HEAD_TRAILS` later, so that a plain copy of a running folder, which reads one file after
the other, does not catch a head that is ahead of the segments.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from devinprod_proxy.errors import AuditUnavailable
from devinprod_proxy.server.audit_folder import HEAD, read_head, segment_names
from devinprod_proxy.session.record import RECOVERY, Link, Walk, chain, head_text, parse_head, segment_name

GROUP_SECONDS = 0.008
"""How long a written record waits for others before the disk is forced (2 ms are left for the waking)."""
HEAD_TRAILS = 0.1
SEGMENT_BYTES = 64 << 20

_sync_data = getattr(os, "fdatasync", os.fsync)


class AuditFile:
    """The one writer of a record.  Every method may be called from any thread.

    >>> audit = AuditFile.open(Path("audit"), "group")              # doctest: +SKIP
    >>> audit.append({"kind": "statement", "asked": "SELECT 1"})    # doctest: +SKIP
    '2'
    """

    def __init__(self, folder: Path, sync: Literal["group", "each"], segment_bytes: int) -> None:
        self.folder = folder
        self._sync_each = sync == "each"
        self._segment_bytes = segment_bytes
        self._lock = threading.Condition()  # everything below
        self._disk = threading.Lock()  # while _fd is forced or exchanged; taken inside _lock, never outside
        self._last = Link()
        self._number = 0  # of the segment that is open
        self._fd = -1
        self._size = 0
        self._folder_fd = -1
        self._broken: str | None = None
        self._dirty_since: float | None = None
        self._trail: deque[tuple[float, Link]] = deque()  # on disk since, not yet in the head
        self._closing = False
        self._thread = threading.Thread(target=self._keep_forcing, name="audit", daemon=True)

    @classmethod
    def open(
        cls, folder: Path, sync: Literal["group", "each"] = "group", *, segment_bytes: int = SEGMENT_BYTES
    ) -> AuditFile:
        """Open (or begin) the record in *folder*, locked against every other writer.

        A record that a crash tore is closed with a recovery record.  Raises AuditUnavailable when the
        folder cannot be used, is in use, or was changed at or before its head.
        """
        audit = cls(folder, sync, segment_bytes)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            audit._folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(audit._folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AuditUnavailable(f"{folder} is the audit folder of another running proxy") from None
            audit._resume()
        except OSError as error:
            audit._release()
            raise AuditUnavailable(f"the audit folder {folder} cannot be used: {error.strerror}") from None
        except AuditUnavailable:
            audit._release()
            raise
        audit._thread.start()
        return audit

    @property
    def last(self) -> Link:
        """The last record written (not necessarily on disk yet)."""
        return self._last

    def append(self, fields: Mapping[str, object]) -> str:
        """Write one record and return its id; ``at`` is added where it is missing.

        Does not wait for the disk, unless the record was opened with ``"each"``.  Raises
        AuditUnavailable (disk full, say); then nothing was recorded, and a later call may succeed.
        """
        with self._lock:
            written = self._append(fields)
        if self._sync_each:
            self.sync_now()
        return written

    def durable(self, fields: Mapping[str, object]) -> str:
        """:meth:`append`, and wait until the record is on the disk."""
        written = self.append(fields)
        if not self._sync_each:
            self.sync_now()
        return written

    def sync_now(self) -> None:
        """Wait until everything that was appended is on the disk.  Raises AuditUnavailable."""
        with self._lock:
            self._usable()
            last = self._last
            self._dirty_since = None
        self._force(last)
        self._usable()

    def close(self) -> None:
        """Force everything to the disk, bring the head up to date, let others in.  Never raises."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._lock.notify_all()
        self._thread.join()
        if self._broken is None:
            self._force(self._last)
        if self._broken is None:
            try:
                self._write_head(self._last, force=True)
            except OSError as error:
                self._broken = f"{self.folder / HEAD} cannot be written: {error.strerror}"
        self._broken = self._broken or "the audit record is closed"
        self._release()

    # ---------------------------------------------------------------- writing

    def _append(self, fields: Mapping[str, object]) -> str:
        self._usable()
        whole = {"at": now(), **fields}
        try:
            line, link = chain(self._last, whole)
        except (TypeError, ValueError) as error:
            raise AuditUnavailable(f"this cannot be recorded: {error}") from None
        if self._size + len(line) > self._segment_bytes and self._size:
            self._next_segment()
        try:
            self._write(line)
        except OSError as error:
            self._take_back()
            raise AuditUnavailable(f"the audit record cannot be written: {error.strerror}") from None
        self._last = link
        if self._dirty_since is None:
            self._dirty_since = time.monotonic()
            self._lock.notify_all()
        return str(link.count)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._size += len(data)

    def _take_back(self) -> None:
        """Remove the part of a line that still found room: the record it belongs to was never made."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._broken = f"an unfinished audit record cannot be taken back: {error.strerror}"

    def _next_segment(self) -> None:
        try:
            with self._disk:
                _sync_data(self._fd)
                self._write_head(self._last, force=True)
                fd = self._create(self._number + 1)
                os.close(self._fd)
                self._fd, self._size, self._number = fd, 0, self._number + 1
        except OSError as error:
            raise AuditUnavailable(f"the next audit segment cannot be begun: {error.strerror}") from None
        self._trail.clear()

    def _create(self, number: int) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fd = os.open(self.folder / segment_name(number), flags, 0o600)
        os.fsync(self._folder_fd)
        return fd

    def _write_head(self, link: Link, *, force: bool) -> None:
        fresh = self.folder / f"{HEAD}.new"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, head_text(link))
            if force:
                os.fsync(fd)
        finally:
            os.close(fd)
        fresh.rename(self.folder / HEAD)
        if force:
            os.fsync(self._folder_fd)

    # ---------------------------------------------------------------- the disk

    def _keep_forcing(self) -> None:
        """The thread: force what is written, then let the head follow."""
        while True:
            with self._lock:
                while not self._closing and (pause := self._pause()) != 0:
                    self._lock.wait(pause)
                if self._closing or self._broken:
                    return
                now_ = time.monotonic()
                due = self._dirty_since is not None and now_ - self._dirty_since >= GROUP_SECONDS
                last = self._last
                if due:
                    self._dirty_since = None
            if due:
                self._force(last)
            with self._lock:
                behind = None
                while self._trail and time.monotonic() - self._trail[0][0] >= HEAD_TRAILS:
                    behind = self._trail.popleft()[1]
            if behind is not None:
                # Outside the lock: no statement waits for the head. A newer one may stand there by now
                # (a new segment has begun); an older head is still a true one.
                try:
                    with self._disk:
                        self._write_head(behind, force=False)
                except OSError:  # the disk is full, perhaps
                    with self._lock:
                        self._trail.appendleft((time.monotonic(), behind))

    def _pause(self) -> float | None:
        """Seconds until the thread has something to do; None: until woken."""
        waits = []
        if self._dirty_since is not None:
            waits.append(self._dirty_since + GROUP_SECONDS)
        if self._trail:
            waits.append(self._trail[0][0] + HEAD_TRAILS)
        if self._broken:
            return 0
        return max(0.0, min(waits) - time.monotonic()) if waits else None

    def _force(self, last: Link) -> None:
        """Force the open segment to the disk; everything up to *last* is there then."""
        try:
            with self._disk:
                _sync_data(self._fd)
        except OSError as error:
            # After a failed fsync nobody knows what is on the disk: no more statements here.
            with self._lock:
                self._broken = f"the audit record cannot be forced to the disk: {error.strerror}"
                self._lock.notify_all()
            return
        with self._lock:
            self._trail.append((time.monotonic(), last))
            self._lock.notify_all()

    def _usable(self) -> None:
        if self._broken is not None:
            raise AuditUnavailable(self._broken)

    def _release(self) -> None:
        for fd in (self._fd, self._folder_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._folder_fd = -1

    # ---------------------------------------------------------------- starting

    def _resume(self) -> None:
        """Find the end of the record, and close what a crash left open.

        Only the last segment is read: those before it were whole and on disk when it was begun.
        """
        names, head = segment_names(self.folder), read_head(self.folder)
        if head is None and not names:
            self._write_head(Link(), force=True)
            self._number, self._fd = 1, self._create(1)
            return
        if names != [segment_name(number) for number in range(1, len(names) + 1)]:
            raise AuditUnavailable(f"{_damaged(self.folder)}: a segment is missing")
        lost = head is not None and not head.strip(b"\0")  # what a power cut makes of a renamed file
        at_head = Link() if lost else self._head_or_refuse(head)
        read = names if lost else names[-1:]
        contents = [(self.folder / name).read_bytes() for name in read]
        self._last = Link() if lost else _base(self.folder, names)
        met = self._last == at_head
        walk = Walk("", b"", self._last)
        for name, content in zip(read, contents, strict=True):
            walk = Walk(name, content, self._last)
            for link in walk:
                met = met or link == at_head
            self._last = walk.last
            if walk.fault is not None and name != names[-1]:
                raise AuditUnavailable(f"{_damaged(self.folder)}: {walk.fault}")
        recovery: dict[str, object] = {}
        if lost:
            recovery["head"] = "was lost in a power cut; the whole record was read"
        elif not met and walk.unfinished and at_head.count == self._last.count + 1:
            # The disk did not keep what it had promised: the very record that is torn was on it.
            recovery["lost"] = {"seq": at_head.count, "hash": at_head.hash}
        elif not met:
            raise AuditUnavailable(f"{_damaged(self.folder)}: {walk.fault or 'it does not reach its head'}")
        self._number = max(1, len(names))
        self._fd = self._create(self._number)
        self._size = os.fstat(self._fd).st_size
        self._close_tear(walk, recovery)

    def _head_or_refuse(self, head: bytes | None) -> Link:
        link = None if head is None else parse_head(head)
        if link is None:
            what = "is missing" if head is None else "was changed"
            raise AuditUnavailable(f"{_damaged(self.folder)}: {HEAD} {what}")
        return link

    def _close_tear(self, walk: Walk, recovery: dict[str, object]) -> None:
        torn = walk.content[walk.end :]
        if torn:
            whole = Walk(walk.name, torn + b"\n", self._last)
            if len(list(whole)) == 1 and whole.fault is None:
                # Only the newline was lost: the record itself is whole.
                self._last, torn = whole.last, b""
                recovery.pop("lost", None)
            recovery |= {
                "reason": "the proxy was stopped while it wrote a record",
                "torn_bytes": len(torn),
                "torn_sha256": hashlib.sha256(torn).hexdigest(),
            }
        if recovery:
            line, link = chain(self._last, {"at": now(), "kind": RECOVERY, **recovery})
            self._write((b"\n" if walk.content[walk.end :] else b"") + line)
            self._last = link
        _sync_data(self._fd)
        self._write_head(self._last, force=True)


def now() -> str:
    """This moment as the record writes it: ISO 8601, UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _base(folder: Path, names: Sequence[str]) -> Link:
    """The link that the last segment continues: the end of the one before it."""
    if len(names) < 2:
        return Link()
    content = (folder / names[-2]).read_bytes()
    try:
        last = json.loads(content.rstrip(b"\n").rpartition(b"\n")[2])
        return Link(last["seq"], last["hash"])
    except (ValueError, KeyError, TypeError):
        raise AuditUnavailable(f"{_damaged(folder)}: the end of {names[-2]} cannot be read") from None


def _damaged(folder: Path) -> str:
    return f"the record in {folder} was changed or cut (see devinprod audit verify; move it away to go on)"
