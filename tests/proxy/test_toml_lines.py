"""The line of a key is found by asking the TOML parser itself."""

from __future__ import annotations

import tomllib

import pytest
from devinprod_proxy.toml_lines import line_of, syntax_error
from hypothesis import given
from hypothesis import strategies as st

TEXT = '''\
# a comment
top = 1

[a]        # another
b = """
c = "not a key"
[nor.a.table]
"""
list = [
  1,  # one
  { x = 2 },
]
d.e = { f = 3, "g h" = 4 }

[[many]]
name = "first"
[[many]]
name = "second"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["top"], 2),
        (["a"], 4),
        (["a", "b"], 5),
        (["a", "list"], 9),
        (["a", "d"], 13),
        (["a", "d", "e", "g h"], 13),
        (["many"], 15),
        (["c"], None),
        (["nor"], None),
        (["a", "list", "x"], None),
        ([], 1),
    ],
)
def test_lines(path: list[str], line: int | None) -> None:
    assert line_of(TEXT, path) == line


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text("ab\n\"'#=[]", max_size=9)))
def test_any_key_is_found_where_it_was_written(values: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '\\"').replace("\n", "\\n") + '"'

    text = "".join(f"# {number}\n{key} = {quoted(values[key])}\n" for number, key in enumerate(values))
    for number, key in enumerate(values):
        assert line_of(text, [key]) == 2 * number + 2


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a = 1\na = 2\n", 2, "overwrite"),
        ("[x\n", 1, "']'"),
        ("a = 1\nb =", 2, "Invalid value"),
        ("\n\nx", 3, "'='"),
    ],
)
def test_syntax_errors_have_a_line(text: str, line: int, says: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    message, at = syntax_error(caught.value, text)
    assert at == line
    assert says in message
    assert "(at " not in message
