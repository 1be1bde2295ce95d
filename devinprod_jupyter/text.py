"""What do the commands say?

Short, calm, exact: what happened, and what one may do next. "production" only where production is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["changes", "connected", "ended", "number", "reset", "result_line", "status", "tag_line"]

Json = Mapping[str, Any]
KINDS = {
    "subscriber": "subscriber copy",
    "clone": "thin clone",
    "standby": "standby, read-only",
    "primary": "PRODUCTION, the primary itself",
}
STATES = {"clean": "clean", "dirty": "changed", "lost": "LOST"}


def number(value: float) -> str:
    """12345 as 12,345."""
    return f"{value:,.0f}"


def plural(count: float, word: str) -> str:
    """1 row, 2 rows.

    >>> plural(1000, "row")
    '1,000 rows'
    """
    return f"{number(count)} {word}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """A length of time, coarse.

    >>> span(0.2), span(75), span(7300)
    ('0.2 s', '1 min', '2 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def heading(session: Json) -> str:
    """The first line: which session, on what, as whom."""
    kind = KINDS.get(str(session.get("kind")), str(session.get("kind")))
    lag = session.get("lag_s")
    behind = f", {span(lag)} behind" if lag is not None else ""
    who = f"as {session['user']}, role {session['role']}"
    return f"● {session['name']}   {session['target']} ({kind}{behind})   {who}"


def _promise(session: Json) -> str:
    masked, columns = session.get("masked_columns"), session.get("columns")
    about = "Nothing that you do here can be committed."
    if masked is not None and columns:
        about += f" {number(masked)} of {number(columns)} columns are masked."
    return about


def _budget(limits: Json | None) -> str:
    people = (limits or {}).get("people")
    if not people:
        return ""
    when = {"day": "today", "hour": "this hour"}.get(str(people.get("per")), f"per {people.get('per')}")
    return f"Budget: {number(people['limit'])} people {when}, {number(people['used'])} used."


def connected(session: Json, packages: Sequence[str] = ()) -> str:
    """After ``connect``."""
    about = " ".join(part for part in (_promise(session), _budget(session.get("limits"))) if part)
    lines = [heading(session), f"  {about}"]
    if session.get("change_count"):
        lines.append(f"  It has been open for {span(session['age_s'])} and has changes: %devinprod changes.")
    use = "" if packages else ", or %devinprod use PACKAGE"
    return "\n".join([*lines, f"  Next: %%devsql{use}"])


def status(session: Json, packages: Sequence[str] = ()) -> str:
    """After ``status``: what the session is, what it holds, what is left."""
    lines = [heading(session), f"  {_promise(session)}"]
    state = str(session.get("state"))
    word = STATES.get(state, state)
    if state == "lost":
        why = session.get("lost_reason") or "its connection ended"
        lines.append(f"  {word}: {why}. What you did in it is gone; nothing was committed.")
        return "\n".join([*lines, f"  Next: %devinprod connect {session['name']} opens it anew."])
    held = _tables(session.get("changes") or [])
    about = [word if not held else f"{word}: {', '.join(held)}", f"open for {span(session['age_s'])}"]
    limits = session.get("limits") or {}
    about += [f"ends after {span(limits[key]['limit'])} {key}" for key in ("idle",) if key in limits]
    if (limits.get("age") or {}).get("seconds_left") is not None:
        about.append(f"at the latest in {span(limits['age']['seconds_left'])}")
    lines.append(f"  {'; '.join(about)}.")
    meters = [
        _meter(name, limits[name]) for name in ("people", "lookups", "statements", "rows") if limits.get(name)
    ]
    if meters:
        lines.append(f"  Used: {', '.join(meters)}.")
    if packages:
        lines.append(f"  Your code: {', '.join(packages)}; its connections go to {session['name']}.")
    if held:
        nexts = "%devinprod changes, or %devinprod reset"
    elif packages:
        nexts = "%%devsql, or call your code"
    else:
        nexts = "%%devsql, or %devinprod use PACKAGE"
    return "\n".join([*lines, f"  Next: {nexts}"])


def _meter(name: str, limit: Json) -> str:
    per = str(limit.get("per", "day"))
    return (
        f"{number(limit['used'])} of {number(limit['limit'])} {name} {'an' if per == 'hour' else 'a'} {per}"
    )


def _tables(tables: Sequence[Json]) -> list[str]:
    return [_table_name(table) for table in tables]


def _table_name(table: Json) -> str:
    schema = table.get("schema")
    return str(table["table"]) if schema in (None, "", "public") else f"{schema}.{table['table']}"


def changes(answer: Json) -> str:
    """After ``changes``: one line a table."""
    tables = list(answer.get("tables") or [])
    name = answer["session"]
    if not tables:
        return f"{name}: nothing changed since it began."
    lines = [f"{name}: {plural(len(tables), 'table')} changed since it began"]
    width = max(len(_table_name(table)) for table in tables)
    for table in tables:
        counts = [
            f"{sign}{number(table[key])}"
            for sign, key in (("+", "inserted"), ("~", "updated"), ("-", "deleted"))
        ]
        note = "  truncated" if table.get("truncated") else ""
        lines.append(f"  {_table_name(table):<{width}}   {'  '.join(counts)}{note}")
    if not answer.get("exact", True):
        lines.append("  What triggers and cascades did is counted approximately.")
    lines.append("  Only in this session. Next: %devinprod reset drops it.")
    return "\n".join(lines)


def reset(name: str, answer: Json) -> str:
    """After ``reset``."""
    lost = answer.get("lost") or {}
    took = f"{answer['ms']:.0f} ms" if answer.get("ms") is not None else ""
    first = f"{name} is back as it began" + (f", {took}." if took else ".")
    if lost.get("statements"):
        rows = plural(lost.get("rows", 0), "changed row")
        first += f" Dropped: {plural(lost['statements'], 'statement')}, {rows}."
    return first


def ended(name: str, answer: Json) -> str:
    """After ``end``."""
    rows = answer.get("rows_changed", 0)
    journal = answer.get("journal") or []
    kept = ""
    if journal:
        kept = f"\n  Kept for you: journal ({plural(len(journal), 'statement')}) with %devinprod journal."
    return (
        f"{name} ended: {plural(answer.get('statements', 0), 'statement')}, "
        f"{plural(rows, 'row')} would have changed, nothing was committed.{kept}"
    )


def tag_line(tag: str, rows: int) -> str:
    """What a statement without a result did.

    >>> tag_line("UPDATE 3", 3)
    'UPDATE: 3 rows, in this session only.'
    """
    verb = tag.rstrip("0123456789 ")
    if verb in {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}:
        return f"{verb}: {plural(rows, 'row')}, in this session only."
    if verb in {"COMMIT", "ROLLBACK", "BEGIN", "SET", "RESET", "SAVEPOINT", "RELEASE"}:
        ending = {"COMMIT": " Your transaction ended; nothing was committed to production."}
        return f"{verb}.{ending.get(verb, '')}"
    return f"{verb or 'Done'}: done, in this session only."


def result_line(name: str, rows: int, columns: int, masked: Sequence[str]) -> str:
    """What ``name << SELECT`` says in place of showing the frame."""
    known = f", {len(masked)} masked ({', '.join(masked)})" if masked else ""
    return f"{name}: {plural(rows, 'row')}, {plural(columns, 'column')}{known}"


def cut_line(limit: int) -> str:
    """Rows were left out."""
    return f"Cut at {plural(limit, 'row')}, there are more: --limit N, or --limit 0 for all."
