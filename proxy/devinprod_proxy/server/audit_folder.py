"""What is in the folder of an audit record?  Reading only: of a running proxy's, or of a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from devinprod_proxy.session.record import Report, segment_name, verify

HEAD = "head.json"


def read_head(folder: Path) -> bytes | None:
    """The head file's bytes, None when there is none."""
    try:
        return (folder / HEAD).read_bytes()
    except FileNotFoundError:
        return None


def segment_names(folder: Path) -> list[str]:
    """The names of a record's segments, in order."""
    return sorted(entry.name for entry in folder.glob("*.jsonl"))


def verify_folder(folder: Path) -> Report:
    """Check a record, also of a running proxy or a copy of one.  Raises OSError when it cannot be read.

    >>> verify_folder(Path("audit")).fault          # doctest: +SKIP
    """
    if not folder.is_dir():
        raise FileNotFoundError(2, "is no folder", str(folder))
    head = read_head(folder)  # before the segments: they may grow meanwhile, and then fit it too
    names = segment_names(folder)
    return verify(((name, (folder / name).read_bytes()) for name in names), head, HEAD)


def lines(folder: Path) -> Iterator[bytes]:
    """Every whole line of a record, oldest first, without its newline; torn ones too."""
    for name in segment_names(folder):
        with (folder / name).open("rb") as segment:
            for line in segment:
                if line.endswith(b"\n"):
                    yield line[:-1]


class Follower:
    """The lines of a record that come after it was made: each call reads on where the last one ended.

    >>> Follower(Path("audit")).more()              # doctest: +SKIP
    []
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        names = segment_names(folder)
        self._name = names[-1] if names else segment_name(1)
        self._at = (folder / self._name).stat().st_size if names else 0

    def more(self) -> list[bytes]:
        """The whole lines that were added, without their newlines."""
        found: list[bytes] = []
        for name in segment_names(self._folder):
            if name < self._name:
                continue
            if name > self._name:
                self._name, self._at = name, 0
            with (self._folder / name).open("rb") as segment:
                segment.seek(self._at)
                whole = segment.read().rpartition(b"\n")[0]
            if whole:
                self._at += len(whole) + 1
                found += whole.split(b"\n")
        return found
