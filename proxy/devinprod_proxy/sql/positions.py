"""Where in the client's text is the place that the server complains about?

The server counts in the text that ran. Reading that text again gives a tree of the same shape as the
rewritten one, whose positions are those of the client's text; walking both together pairs them.
What the passes added has no position; a place in it becomes the nearest one around it.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.parse import MADE_DEPTH, Message, character, parse, read_tree
from devinprod_proxy.sql.statement import Statement


def original_position(statement: Statement, run_position: int) -> int | None:
    """The 1-based character in ``asked`` for one in ``run.text``; None where there is none."""
    if statement.run is None or not statement.tree or run_position < 1:
        return None
    ran = parse(statement.run.text)
    made = read_tree(statement.tree, MADE_DEPTH)
    if isinstance(ran, Refusal) or isinstance(made, Refusal):
        return None
    text = statement.run.text
    wanted = run_position - 1 if text.isascii() else len(text[: run_position - 1].encode())
    best: tuple[int, int] | None = None
    stack: list[tuple[Message, Message, int]] = [(ran, made, -1)]
    while stack:
        ours, theirs, around = stack.pop()
        if ours.DESCRIPTOR is not theirs.DESCRIPTOR:
            continue
        if "location" in ours.DESCRIPTOR.fields_by_name:
            if theirs.location >= 0:
                around = theirs.location
            distance = abs(ours.location - wanted)
            if ours.location >= 0 and around >= 0 and (best is None or distance < best[0]):
                best = (distance, around)
        for descriptor, value in ours.ListFields():
            if descriptor.message_type is None:
                continue
            other = getattr(theirs, descriptor.name)
            if descriptor.is_repeated:
                stack.extend((a, b, around) for a, b in zip(value, other, strict=False))
            else:
                stack.append((value, other, around))
    if best is None:
        return None
    return character(statement.asked, best[1])
