"""Masked columns of a DataFrame: known, shown, kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pandas as pd
import pytest

from devinprod_jupyter.frames import as_html, as_text, marked, marks_of

EMAIL = {"mask": "email", "domain": "email", "source": "public.customers.email"}
NAME = {"mask": "name", "domain": None, "source": "public.customers.name"}


@pytest.fixture
def people() -> pd.DataFrame:
    data = {"id": [1, 2], "name": ["Ann", "Bo"], "email": ["a@x.example", "b@x.example"]}
    return marked(pd.DataFrame(data), {"name": NAME, "email": EMAIL})


@pytest.fixture
def orders() -> pd.DataFrame:
    return marked(
        pd.DataFrame({"id": [7, 8], "customer_id": [1, 2], "email": ["a@x.example", "c@x.example"]}), {}
    )


Frame = pd.DataFrame
KEPT: list[tuple[str, Callable[[Frame], Frame], list[str]]] = [
    ("columns", lambda f: f[["id", "email"]], ["email"]),
    ("rows", lambda f: f[f["id"] > 1], ["name", "email"]),
    ("loc", lambda f: f.loc[:, "name":], ["name", "email"]),  # type: ignore[misc]
    ("head", lambda f: f.head(1), ["name", "email"]),
    ("query", lambda f: f.query("id == 1"), ["name", "email"]),
    ("sort", lambda f: f.sort_values("email"), ["name", "email"]),
    ("assign", lambda f: f.assign(x=1), ["name", "email"]),
    ("copy", lambda f: f.copy(), ["name", "email"]),
    ("drop", lambda f: f.drop(columns="email"), ["name"]),
    ("rename", lambda f: f.rename(columns={"email": "mail"}), ["name", "mail"]),
    ("set_index", lambda f: f.set_index("email"), ["email", "name"]),
    ("reset_index", lambda f: f.set_index("email").reset_index(), ["email", "name"]),
    ("merge", lambda f: f.merge(pd.DataFrame({"id": [1], "total": [5]}), on="id"), ["name", "email"]),
    ("concat", lambda f: pd.concat([f, f]), ["name", "email"]),
    ("groupby", lambda f: f.groupby("email")[["id"]].sum(), ["email"]),
    ("groupby column", lambda f: f.groupby("email", as_index=False)["id"].sum(), ["email"]),
    ("drop_duplicates", lambda f: f.drop_duplicates(), ["name", "email"]),
    ("fillna", lambda f: f.fillna(0), ["name", "email"]),
    ("to_frame", lambda f: f["email"].to_frame(), ["email"]),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_marks_are_kept(people: Frame, change: Callable[[Frame], Frame], expected: list[str]) -> None:
    changed = change(people)
    assert changed.devinprod.masked == expected
    for name in expected:
        assert f"{name} 🔒" in as_text(changed)
    assert people.devinprod.masked == ["name", "email"]


def test_a_merge_keeps_the_marks_of_both_and_only_theirs(people: Frame, orders: Frame) -> None:
    joined = orders.merge(people, left_on="customer_id", right_on="id")
    assert joined.devinprod.masked == ["name", "email_y"]
    named = orders.merge(people, left_on="customer_id", right_on="id", suffixes=("_order", "_customer"))
    assert named.devinprod.masked == ["name", "email_customer"]
    one_sided = orders.merge(people, left_on="customer_id", right_on="id", suffixes=("", "_customer"))
    assert one_sided.devinprod.masked == ["name", "email_customer"]
    keyed = orders.merge(people, on="email", how="outer", suffixes=("_o", "_p"))
    assert keyed.devinprod.masked == ["email", "name"]
    assert orders.devinprod.masked == []


def test_a_column_knows_itself(people: Frame) -> None:
    assert people["email"].devinprod.masked
    assert not people["id"].devinprod.masked


def test_text_says_it_without_colour(people: Frame) -> None:
    text = repr(people)
    assert "email 🔒" in text
    assert text.splitlines()[-1] == "🔒 2 masked columns: name, email"
    assert list(people.columns) == ["id", "name", "email"]


def test_html_has_lock_tint_and_title(people: Frame) -> None:
    html = as_html(people)
    assert html is not None
    assert html.count('title="masked: email (domain email)"') == 1
    assert html.count('title="masked: name"') == 1
    assert html.count("🔒</span>") == 2
    assert "2 masked columns: name, email" in html
    # The tinted cells are those of the masked columns, counted from the end.
    assert sorted(re.findall(r"td:nth-last-child\((\d)\)", html)) == ["1", "2"]


def test_the_tint_follows_columns_and_truncation() -> None:
    wide = pd.DataFrame([[0] * 60], columns=[f"c{n}" for n in range(59)] + ["email"])
    frame = marked(wide, {"email": EMAIL, "c9": NAME, "c30": NAME})
    with pd.option_context("display.max_columns", 20):
        html = as_html(frame)
    assert html is not None
    # 20 columns are shown: 0-9, dots, 50-58 and email, so column 9 is the 12th from the end.
    assert re.findall(r"td:nth-last-child\((\d+)\)", html) == ["12", "1"]
    assert "3 masked columns: c9, c30, email" in html


def test_hostile_text_stays_text() -> None:
    evil = "<script>alert(1)</script>"
    column = '<img src=x onerror="alert(2)">'
    frame = marked(
        pd.DataFrame({column: [evil], "email": [evil]}), {column: NAME, "email": {**EMAIL, "domain": evil}}
    )
    html = as_html(frame)
    assert html is not None

    seen: set[str] = set()
    attributes: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.add(tag)
            attributes.update(name for name, _ in attrs)

    tags = Tags()
    tags.feed(html)
    assert seen <= {"div", "style", "table", "thead", "tbody", "tr", "th", "td", "p", "span"}
    assert not any(name.startswith("on") for name in attributes)
    assert "&lt;script&gt;" in html


def test_nothing_masked_looks_as_ever(orders: Frame) -> None:
    plain = pd.DataFrame(orders)
    assert repr(orders) == repr(plain)
    assert as_html(orders) == as_html(plain)
    assert "🔒" not in repr(orders)


def test_several_levels_of_columns_are_shown_with_the_foot_line(people: Frame) -> None:
    table = people.set_index("email")[["id"]].T
    assert "🔒" in as_text(people.pivot_table(index="email", values="id"))
    assert as_html(table) is not None


def test_the_marks_are_plain_data(people: Frame) -> None:
    import json

    assert json.loads(json.dumps(people.attrs)) == people.attrs
    assert marks_of(people)["email"] == EMAIL
