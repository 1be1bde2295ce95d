"""What an error looks like: one screen, a caret, no frames."""

from __future__ import annotations

import pytest

from devinprod_jupyter.errors import DevInProdError, SqlError, caret


def test_one_line_has_its_caret() -> None:
    assert caret("SELECT nmae FROM t", 8) == ["  SELECT nmae FROM t", "         ^"]


def test_of_several_lines_the_right_one_is_shown() -> None:
    assert caret("SELECT 1,\n  nmae\nFROM t", 13) == ["  2 |   nmae", "        ^"]


def test_a_long_line_is_cut_around_the_place() -> None:
    sql = "SELECT " + "a, " * 200 + "wrong " + ", b" * 200
    line, pointer = caret(sql, sql.index("wrong") + 1)
    assert len(line) < 120
    assert line[pointer.index("^") :].startswith("wrong")


@pytest.mark.parametrize(("sql", "position", "column"), [("SELECT '日本', x", 15, 18), ("\tx", 2, 3)])
def test_the_caret_knows_wide_characters_and_tabs(sql: str, position: int, column: int) -> None:
    pointer = caret(sql, position)[1]
    assert pointer.index("^") == column
    assert ("\t" in pointer) == ("\t" in sql)


def test_a_position_past_the_end_stays_on_the_last_line() -> None:
    assert caret("SELECT", 99) == ["  SELECT", "        ^"]


def test_the_screen_of_a_statement_that_failed() -> None:
    error = SqlError(
        'column "nmae" does not exist',
        sqlstate="42703",
        sql="SELECT nmae",
        position=8,
        detail="more",
        hint="Perhaps name.",
    )
    rendered = error._render_traceback_()
    assert rendered[0] == '\x1b[31;1m42703 column "nmae" does not exist\x1b[0m'
    assert rendered[1:] == ["Detail: more", "", "  SELECT nmae", "         ^", "", "Hint: Perhaps name."]
    assert "Traceback" not in "\n".join(rendered)


def test_frames_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DevInProdError, "tracebacks", True)
    with pytest.raises(DevInProdError) as caught:
        raise DevInProdError("no", hint="yes")
    assert "test_errors.py" in "".join(caught.value._render_traceback_())
