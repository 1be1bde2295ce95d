"""What could the policy of a schema look like?  A draft for a person to read, never a decision.

Names, types, keys, the shapes of a few sampled values and the security labels that
postgresql_anonymizer leaves are all it goes by. Where they say nothing the draft says ``closed`` and
asks; a draft may hide too much, and what it shows stands in it for everybody to see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """One column: ``key`` for primary and foreign keys, ``references`` the table of a foreign key."""

    name: str
    type_name: str
    key: bool = False
    references: Key | None = None
    label: str | None = None
    samples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DraftTable:
    """One table and its columns, in order."""

    schema: str
    name: str
    columns: tuple[DraftColumn, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column could be: TOML, and why, for the comment behind it."""

    rule: str
    why: str
    person: bool = False
    """The column says that a row is about a person."""


def _mask(kind: str, more: str = "") -> str:
    return f'{{ mask = "{kind}"{more} }}'


_PERSON = ', domain = "person"'
_EMAIL = ', domain = "email", lookup = true'
# What a name means, the first that fits; the rule, and whether it speaks of people.
_BY_NAME: tuple[tuple[str, str, bool], ...] = (
    (r"passw|secret|private_?key|salt|otp|pin$", '"closed"', False),
    (r"(^|_)(token|api_?key|session_?key)", _mask("closed", ', lookup = "token"'), False),
    (r"e_?mail|mail_address", _mask("email", _EMAIL), True),
    (r"(first|given|fore)_?name", _mask("first_name"), True),
    (r"(last|sur|family)_?name", _mask("last_name"), True),
    (r"(full|display|contact|customer|user)_?name|recipient|holder|addressee", _mask("name", _PERSON), True),
    (r"company|employer|firm|organi[sz]ation", _mask("company"), False),
    (r"phone|mobile|fax|telefon|handy", _mask("phone"), True),
    (r"street|address(?!_id)|addr(_|$)", _mask("address"), True),
    (r"(^|_)(city|town|ort)$", _mask("city"), False),
    (r"zip|postal|post_?code|plz", _mask("digits"), False),
    (r"iban|account_?(no|number)|card_?(no|number)|ssn|tax_?(id|number)|passport", _mask("digits"), True),
    (r"birth|dob$", _mask("date"), True),
    (r"(^|_)ip(_?addr(ess)?)?$", _mask("ip"), False),
    (r"salary|income|wage|diagnos|religio|gender|sex$|medic|health", '"closed"', True),
    (r"note|comment|body|message|remark|description|bio$|free_?text", _mask("text"), False),
)
_BY_SHAPE: tuple[tuple[str, str, str], ...] = (
    (r"[^@\s]+@[^@\s]+\.[a-z]{2,}", _mask("email", _EMAIL), "values look like e-mail addresses"),
    (r"\+?[\d ()/.-]{7,20}\d", _mask("phone"), "values look like phone numbers"),
    (r"\d{1,3}(\.\d{1,3}){3}", _mask("ip"), "values look like addresses of machines"),
    (r"[A-Z]{2}\d{2}[A-Z0-9 ]{11,30}", _mask("digits", ", keep_last = 2"), "values look like IBANs"),
)
_BY_LABEL: tuple[tuple[str, str], ...] = (
    (r"email", _mask("email", _EMAIL)), (r"first_name", _mask("first_name")), (r"last_name", _mask("last_name")),
    (r"company", _mask("company")), (r"phone", _mask("phone")), (r"address", _mask("address")),
    (r"city", _mask("city")), (r"date|dnoise", _mask("date")), (r"lorem|text", _mask("text")),
    (r"WITH VALUE NULL", '"null"'),
)  # fmt: skip
_PLAIN = ("boolean", "smallint", "integer", "bigint", "numeric", "real", "double precision", "date", "time")


def guess(column: DraftColumn, *, of_person: bool) -> Guess:
    """What one column could be; *of_person*: other columns say that the table is about people.

    >>> guess(DraftColumn("email", "text"), of_person=False).rule
    '{ mask = "email", domain = "email", lookup = true }'
    >>> guess(DraftColumn("remarkable", "hstore"), of_person=False).rule
    '"closed"'
    """
    text = column.type_name.startswith(("text", "character", "citext", "public.citext"))
    if column.label is not None:
        for pattern, rule in _BY_LABEL:
            if re.search(pattern, column.label):
                return Guess(_fitting(rule, column, text), "its security label", person=True)
        return Guess('"closed"', "has a security label", person=True)
    if column.key:
        return Guess('"clear"', "a key")
    for pattern, rule, person in _BY_NAME:
        if re.search(pattern, column.name.lower()):
            return Guess(_fitting(rule, column, text), "its name", person)
    values = [value for value in column.samples if value]
    if text and values:
        for pattern, rule, why in _BY_SHAPE:
            if all(re.fullmatch(pattern, value) for value in values):
                return Guess(rule, why, person=True)
    if text and re.search(r"name$", column.name.lower()):
        return (
            Guess(_mask("name", _PERSON), "its name")
            if of_person
            else Guess('"closed"', "a person's? decide")
        )
    if column.type_name.startswith(_PLAIN):
        return Guess('"clear"', "a plain value")
    if column.type_name.startswith("json"):
        return Guess('"closed"', 'a document: name the paths that may show with mask = "json"')
    return Guess('"closed"', "decide")


def _fitting(rule: str, column: DraftColumn, text: bool) -> str:
    """The rule, where its mask works on the column's type; else closed."""
    kind = re.search(r'mask = "(\w+)"', rule)
    if kind is None or text or kind[1] == "closed":
        return rule
    fits = {"date": ("date", "timestamp"), "ip": ("inet", "cidr")}.get(kind[1], ())
    return rule if column.type_name.startswith(tuple(fits) or ("\0",)) else '"closed"'


def suggest(tables: Sequence[DraftTable]) -> str:
    """A whole policy file as text, with the reason behind each rule.

    >>> draft = suggest([DraftTable("public", "t", (DraftColumn("id", "bigint", key=True),))])
    >>> 'id = "clear"' in draft
    True
    """
    people = {(t.schema, t.name): _is_about_people(t) for t in tables}
    parts = [
        "# A draft: read every line. What is clear here will be seen.",
        "version = 1",
        'default = "closed"',
        "",
    ]
    for table in tables:
        about = people[table.schema, table.name]
        subject = _subject(table, people)
        parts += [f"[tables.{_toml(f'{table.schema}.{table.name}')}]", f"subject = {_toml(subject)}"]
        parts.append(f"[tables.{_toml(f'{table.schema}.{table.name}')}.columns]")
        width = max((len(_key(c.name)) for c in table.columns), default=0)
        for column in table.columns:
            found = guess(column, of_person=about)
            parts.append(f"{_key(column.name):{width}} = {found.rule}  # {found.why}")
        parts.append("")
    return "\n".join(parts)


def _is_about_people(table: DraftTable) -> bool:
    return any(guess(column, of_person=False).person for column in table.columns)


def _subject(table: DraftTable, people: Mapping[Key, bool]) -> str:
    """Whose row it is: the key of the person that it refers to, else its own key if it is about people."""
    for column in table.columns:
        if column.references is not None and people.get(column.references) and column.references != (
            table.schema, table.name,
        ):  # fmt: skip
            return column.name
    if people[table.schema, table.name]:
        own = [column.name for column in table.columns if column.key and column.references is None]
        if own:
            return own[0]
    return "none"


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
