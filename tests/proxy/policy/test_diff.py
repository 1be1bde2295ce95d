"""Is every change that shows more told apart from those that show less?"""

from __future__ import annotations

import pytest
from devinprod_proxy.policy.diff import diff
from devinprod_proxy.policy.load import load_policy

BASE = """version = 1
[tables."public.t"]
subject = "id"
[tables."public.t".columns]
id = "clear"
email = { mask = "email", domain = "email" }
phone = { mask = "digits" }
notes = "null"
[functions]
"public.f()" = "masked"
[roles.support.tables."public.t".columns]
email = "clear"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "version = 1",
            'version = 1\ndefault = "clear"',
            "REVEALS: columns that no rule names: closed -> clear",
        ),
        ('subject = "id"', 'subject = "none"', "REVEALS: subject of public.t: id -> none"),
        (
            'subject = "id"',
            'subject = "id"\ndefault = "clear"',
            "REVEALS: unnamed columns of public.t: closed -> clear",
        ),
        ('{ mask = "digits" }', '"clear"', "REVEALS: public.t.phone: digits -> clear"),
        (
            '{ mask = "digits" }',
            '{ mask = "digits", keep_last = 4 }',
            "REVEALS: public.t.phone: digits -> digits, keep_last 4",
        ),
        ('{ mask = "digits" }', '"null"', "hides: public.t.phone: digits -> null"),
        (
            'domain = "email"',
            'domain = "email", lookup = true',
            "REVEALS: public.t.email: email, domain email -> email, domain email, lookup counted",
        ),
        ('id = "clear"\n', "", "hides: public.t.id: clear -> closed"),
        ('email = "clear"', "", "hides: public.t.email for role support: clear -> email, domain email"),
        ('"masked"', '"safe"', "REVEALS: function public.f(): masked -> safe"),
        ('"public.f()" = "masked"', "", "hides: function public.f(): masked -> refused"),
        (
            "[functions]",
            '[schemas]\nsandbox = "clear"\n[functions]',
            "REVEALS: unnamed columns of schema sandbox: closed -> clear",
        ),
    ],
)
def test_changes(old: str, new: str, said: str) -> None:
    assert old in BASE
    before, after = load_policy(BASE, "old"), load_policy(BASE.replace(old, new, 1), "new")
    assert said in [str(change) for change in diff(before, after)]
    backwards = diff(after, before)
    assert len(backwards) == len(diff(before, after))
    assert any(change.reveals for change in (*backwards, *diff(before, after)))


def test_no_change() -> None:
    again = BASE + "# a comment\n"
    assert diff(load_policy(BASE, "a"), load_policy(again, "b")) == []
