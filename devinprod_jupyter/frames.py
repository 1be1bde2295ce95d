"""How does a DataFrame know, show and keep which of its columns are masked?

The marks travel in ``frame.attrs``; ResultFrame, an ordinary DataFrame otherwise, carries them through where
pandas would drop them (merge, groupby, rename) and shows them: a lock in the header, a tint, a line at the
foot. Cells are production text, so everything is escaped.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, cast

import pandas as pd

from devinprod_jupyter.marks import Mark, Marks, title

__all__ = ["DevInProdAccessor", "ResultFrame", "as_html", "as_text", "foot", "marked", "marks_of"]

ATTRS = "devinprod"
LOCK = "🔒"


def marks_of(data: pd.DataFrame | pd.Series[Any]) -> Marks:
    """The marks that a frame or a column carries, by column name."""
    carried = data.attrs.get(ATTRS)
    return cast(Marks, carried["masked"]) if isinstance(carried, dict) and "masked" in carried else {}


def marked(frame: pd.DataFrame, marks: Marks) -> pd.DataFrame:
    """The frame with its marks: a ResultFrame in any case, so that merging it keeps another's marks."""
    out = ResultFrame(frame)
    _give(out, marks)
    return out


def foot(names: Sequence[str]) -> str:
    """The line under a frame.

    >>> foot(["email", "name"])
    '2 masked columns: email, name'
    """
    return f"{len(names)} masked column{'s' if len(names) != 1 else ''}: {', '.join(names)}"


def _give(data: pd.DataFrame | pd.Series[Any], marks: Marks) -> None:
    if marks:
        data.attrs[ATTRS] = {"masked": {name: dict(mark) for name, mark in marks.items()}}
    else:
        data.attrs.pop(ATTRS, None)


class ResultFrame(pd.DataFrame):
    """A DataFrame that knows its masked columns. Everything that pandas does with one, it does with this."""

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        # Not the class itself: what pandas builds without calling __finalize__ shall know its origin too.
        marks = marks_of(self)

        def build(*args: Any, **kwargs: Any) -> pd.DataFrame:
            frame = ResultFrame(*args, **kwargs)
            if not frame.attrs:
                _give(frame, marks)
            return frame

        return build

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> ResultFrame:
        before = marks_of(self)
        super().__finalize__(other, method=method, **kwargs)  # type: ignore[misc]
        sources = [source for source in getattr(other, "input_objs", ()) if isinstance(source, pd.DataFrame)]
        if not sources:
            sources = [other] if isinstance(other, pd.DataFrame) else []
            if sources and not marks_of(other):
                _give(self, before)
            return self
        found: Marks = {}
        for at, source in enumerate(sources):
            for name, mark in marks_of(source).items():
                found.update(dict.fromkeys(_become(name, at, sources, self), mark))
        _give(self, found)
        return self

    def rename(self, *args: Any, **kwargs: Any) -> Any:
        """DataFrame.rename; the marks follow their columns."""
        old = list(self.columns)
        marks = marks_of(self)
        renamed = super().rename(*args, **kwargs)
        changed = self if renamed is None else renamed
        if len(changed.columns) == len(old):
            pairs = zip(old, changed.columns, strict=True)
            moved = {str(new): marks[str(label)] for label, new in pairs if str(label) in marks}
            rest = {name: mark for name, mark in marks.items() if name not in {str(label) for label in old}}
            _give(changed, {**rest, **moved})
        return renamed

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str | None:
        return as_html(self)


def as_text(frame: pd.DataFrame) -> str:
    """The frame as pandas prints it, with locks and the line at its foot."""
    names = _shown(frame)
    plain = _plain(frame)
    if not names:
        return repr(plain)
    if not isinstance(plain.columns, pd.MultiIndex):
        plain.columns = pd.Index([_locked(label, names) for label in plain.columns], name=plain.columns.name)
    plain.index.names = [_locked(label, names) for label in plain.index.names]
    return f"{plain!r}\n{LOCK} {foot(names)}"


def as_html(frame: pd.DataFrame) -> str | None:
    """The frame as pandas shows it in a notebook, marked. None where HTML is switched off."""
    names = _shown(frame)
    plain = _plain(frame)
    if not names or isinstance(plain.columns, pd.MultiIndex):
        table = cast("str | None", plain._repr_html_())  # type: ignore[operator]
    else:
        table = _marked_html(plain, {name: marks_of(frame)[name] for name in names})
    if table is None or not names:
        return table
    line = f'<p style="opacity:.8;font-size:90%">{LOCK} {html.escape(foot(names))}</p>'
    at = table.rfind("</div>")
    return table[:at] + line + table[at:] if at >= 0 else table + line


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame(frame, copy=False)
    out.attrs = {}
    # A view of the frame's own index would let a renamed label through to the frame.
    out.index = out.index.copy()
    return out


def _labels(frame: pd.DataFrame) -> set[str]:
    return {str(label) for label in (*frame.columns, *frame.index.names) if label is not None}


def _become(name: str, at: int, sources: Sequence[pd.DataFrame], result: pd.DataFrame) -> list[str]:
    """What column `name` of source number `at` is called in a merge or concat of the sources.

    pandas does not say which suffixes were given, but the left one's column stands first.
    """
    labels = [_labels(source) for source in sources]
    known = set().union(*labels)
    ordered = [str(label) for label in (*result.index.names, *result.columns) if label is not None]
    candidates = [
        label
        for label in dict.fromkeys(ordered)
        if label == name
        or (
            label.startswith(name)
            and label not in known
            and not any(len(other) > len(name) and label.startswith(other) for other in known)
        )
    ]
    if len(candidates) > 1 and len(sources) == 2 and all(name in each for each in labels):
        return [candidates[0] if at == 0 else candidates[-1]]
    # Rather a mark too many than one too few.
    return candidates


def _shown(frame: pd.DataFrame) -> list[str]:
    """The masked columns that the frame still has, in its order."""
    marks = marks_of(frame)
    ordered = [str(label) for label in (*frame.index.names, *frame.columns) if label is not None]
    return [name for name in dict.fromkeys(ordered) if name in marks]


def _locked(label: Hashable, names: Iterable[str]) -> Hashable:
    return f"{label} {LOCK}" if label is not None and str(label) in names else label


def _marked_html(frame: pd.DataFrame, marks: Marks) -> str | None:
    # pandas escapes and truncates; its headers are then exchanged, found by names that nobody else can have
    # made up.
    key = secrets.token_hex(8)
    tokens: dict[str, str] = {}

    def token(label: Hashable) -> Hashable:
        if label is None or str(label) not in marks:
            return label
        tokens.setdefault(str(label), f"{key}n{len(tokens)}n")
        return tokens[str(label)]

    frame.columns = pd.Index([token(label) for label in frame.columns], name=frame.columns.name)
    frame.index.names = [token(label) for label in frame.index.names]
    table = cast("str | None", frame._repr_html_())  # type: ignore[operator]
    if table is None:
        return None
    head = re.search(r"<thead>(.*?)</thead>", table, re.S)
    first_row = re.search(r"<tr.*?</tr>", head.group(1), re.S) if head else None
    cells = re.findall(r"<th[^>]*>(.*?)</th>", first_row.group(0), re.S) if first_row else []
    tinted = [len(cells) - at for at, cell in enumerate(cells) if cell in tokens.values()]
    for name, stand_in in tokens.items():
        table = table.replace(f"<th>{stand_in}</th>", _header(name, marks[name]))
        table = table.replace(stand_in, html.escape(name))
    # Counted from the end: a MultiIndex leaves out cells at the start of a row. Half transparent, so that it
    # is seen on white and on black.
    rules = ", ".join(f"#d{key} tbody td:nth-last-child({n})" for n in tinted)
    style = f"<style>{rules} {{ background: rgba(240, 160, 20, .16) }}</style>" if rules else ""
    return f'<div id="d{key}">{style}{table}</div>'


def _header(name: str, mark: Mark) -> str:
    said = html.escape(title(mark), quote=True)
    return (
        f'<th title="{said}" style="background: rgba(240, 160, 20, .28)">'
        f'{html.escape(name)} <span role="img" aria-label="{said}">{LOCK}</span></th>'
    )


@pd.api.extensions.register_dataframe_accessor("devinprod")
class DevInProdAccessor:
    """``frame.devinprod``: what devinprod knows about a frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @property
    def masked(self) -> list[str]:
        """The masked columns, in the frame's order.

        >>> marked(pd.DataFrame({"id": [1], "email": ["x"]}), {"email": {"mask": "email"}}).devinprod.masked
        ['email']
        """
        return _shown(self._frame)

    @property
    def marks(self) -> Marks:
        """Mask, domain and source (schema.table.column) of each masked column."""
        carried = marks_of(self._frame)
        return {name: dict(carried[name]) for name in _shown(self._frame)}


@pd.api.extensions.register_series_accessor("devinprod")
class DevInProdSeriesAccessor:
    """``series.devinprod``: the same for one column."""

    def __init__(self, series: pd.Series[Any]) -> None:
        self._series = series

    @property
    def masked(self) -> bool:
        """Whether these values are masked."""
        return self._series.name is not None and str(self._series.name) in marks_of(self._series)
