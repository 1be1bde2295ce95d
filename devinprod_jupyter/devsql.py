"""What happens to the SQL of a cell?

It is split into statements, each is bound and run, what each did is said, and the last result is the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devinprod_jupyter import parameters, text
from devinprod_jupyter.errors import DevInProdError, SqlError, WrongUse

if TYPE_CHECKING:
    from devinprod_jupyter.options import SqlLine
    from devinprod_jupyter.parameters import Bound
    from devinprod_jupyter.wire import Result, Wire

__all__ = ["run"]

EXPLAIN = "EXPLAIN "
Push = Callable[[dict[str, Any]], None]


def run(wire: Wire, sql: str, line: SqlLine, names: Mapping[str, Any], push: Push) -> Any:
    """Run the statements of `sql`; the last one's result, None where it is silenced or put into a variable.

    `line.options` has ``limit`` and ``format``; `push` sets variables of the notebook. Prints what was done.
    Raises SqlError with a position in `sql`, ParameterMissing, WrongUse.
    """
    statements = parameters.split(sql)
    if not statements:
        raise WrongUse("There is no SQL.", hint="%%devsql on the first line of a cell, SQL below it")
    explain = bool(line.options.get("explain"))
    answer = None
    for at, statement in enumerate(statements):
        bound = parameters.bind(statement, names)
        try:
            result = wire.run(
                _explained(bound) if explain else bound, 0 if explain else line.options["limit"]
            )
        except DevInProdError as error:
            raise _in_cell(error, sql, statements, at) from error.__cause__
        for notice in result.notices:
            print(notice)
        if result.columns is None:
            print(text.tag_line(result.tag, result.rows))
        elif explain:
            print(_plan(result))
        elif at < len(statements) - 1:
            print(f"{text.plural(result.rows, 'row')}, not shown: only the last result of a cell is.")
        else:
            answer = _answer(result, line, push)
    silent = parameters.tokens(sql)[-1].kind == "SEMICOLON"
    return None if silent else answer


def _answer(result: Result, line: SqlLine, push: Push) -> Any:
    from devinprod_jupyter import results
    from devinprod_jupyter.frames import foot, marked

    columns = result.columns or []
    if result.cut:
        print(text.cut_line(line.options["limit"]))
    form = line.options["format"]
    answer: Any
    if form == "frame":
        answer = marked(results.to_frame(columns), result.marks)
    else:
        answer = results.to_arrow(columns) if form == "arrow" else results.to_rows(columns)
        if result.marks and line.name is None:
            print(foot(list(result.marks)))
    if line.name is None:
        return answer
    push({line.name: answer})
    print(text.result_line(line.name, result.rows, len(columns), list(result.marks)))
    return None


def _plan(result: Result) -> str:
    from devinprod_jupyter.results import to_arrow

    return "\n".join(str(line) for line in to_arrow(result.columns or []).column(0).to_pylist())


def _explained(bound: Bound) -> Bound:
    moved = ((at + len(EXPLAIN), length, asked) for at, length, asked in bound.pieces)
    return replace(bound, text=EXPLAIN + bound.text, pieces=((0, len(EXPLAIN), 0), *moved))


def _in_cell(error: DevInProdError, sql: str, statements: Sequence[str], at: int) -> DevInProdError:
    """The error with its position counted in the whole cell instead of in its statement."""
    if isinstance(error, SqlError) and error.position is not None and error.sql == statements[at]:
        start = 0
        for statement in statements[:at]:
            start = sql.index(statement, start) + len(statement)
        error.sql, error.position = sql, sql.index(statements[at], start) + error.position
    return error
