"""Recorded conversations keep to the tables: every question has the answer that stands there."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from devinprod_proxy.pgwire import messages as m
from devinprod_proxy.pgwire.codec import BackendStream, Frame, FrontendStream, Rows
from devinprod_proxy.pgwire.state import ANSWER_ENDS, ANSWER_HOLDS, ANYTIME, COPY, EXTENDED, MAY_SAY, Phase

TRACES = sorted((Path(__file__).parent / "traces").glob("*.trace"))


def conversation(trace: Path) -> list[tuple[str, int]]:
    """(side, letter) of each message behind the first ReadyForQuery, in the order recorded."""
    client, server, said, begun = FrontendStream(), BackendStream(), [], False
    for line in trace.read_text().splitlines():
        side, chunk = line[0], bytes.fromhex(line[2:])
        if side == "B" and chunk == b"N":
            client.answered()
            continue
        for item in client.feed(chunk) if side == "F" else server.feed(chunk):
            if isinstance(item, Frame | Rows):
                if begun:
                    said.append((side, item.kind))
                elif side == "B" and item.kind == m.Backend.READY_FOR_QUERY:
                    begun = True
                    client.authenticated()
    return said


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_every_question_has_its_answer(trace: Path) -> None:
    open_questions: deque[int] = deque()
    copying, answered = False, 0
    for side, kind in conversation(trace):
        if side == "F":
            phase = Phase.COPY_IN if copying else Phase.BATCH
            assert kind in MAY_SAY[phase], f"{chr(kind)} in {phase}"
            if kind in (m.Frontend.COPY_DONE, m.Frontend.COPY_FAIL):
                copying = False
            if kind in ANSWER_ENDS:
                open_questions.append(kind)
            continue
        if kind in ANYTIME:
            continue
        question = open_questions[0]
        copying = copying or kind == m.Backend.COPY_IN_RESPONSE
        if kind not in ANSWER_ENDS[question]:
            assert kind in ANSWER_HOLDS[question], f"{chr(kind)} answers {chr(question)}"
            continue
        open_questions.popleft()
        answered += 1
        if kind == m.Backend.ERROR_RESPONSE:
            copying = False
            while open_questions[0] in EXTENDED:
                open_questions.popleft()
    assert not open_questions
    assert answered > 3


def test_the_tables_speak_of_the_same_questions() -> None:
    assert set(ANSWER_ENDS) == set(ANSWER_HOLDS)
    assert not any(ANSWER_ENDS[kind] & ANSWER_HOLDS[kind] for kind in ANSWER_ENDS)
    assert EXTENDED - {m.Frontend.FLUSH} < set(ANSWER_ENDS)
    assert set(MAY_SAY) == set(Phase)
    assert not COPY & set(ANSWER_ENDS)
