"""May this statement run?  Judges the facts, and says whose fault it is and what to do instead.

Read from top to bottom: each step can only refuse. What nothing here speaks of is refused at the end
(``0A000``), so a kind of statement that a future PostgreSQL brings is refused until someone has
looked at it.

The words of ``facts.details`` that are understood here (sql/gather_facts.py sets them):

==========================  ==================================================================
``copy_file``               COPY from or to a file of the server
``copy_program``            COPY from or to a program
``concurrently``            CREATE/DROP INDEX, REFRESH, DETACH ... CONCURRENTLY
``prepared_transaction``    PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED
``vacuum``                  VACUUM (not ANALYZE)
``opaque_body``             a body in some language: DO, CREATE FUNCTION
``ddl_expression``          an expression of a DDL statement mentions a masked column
``alter:...``               what is done to a relation: ``rename``, ``inherit``, ``attach``,
                            ``detach``, ``set_schema``, ``owner``, ``type``, ``rule``, ``trigger``,
                            ``policy``, ``row_security``, ``replica_identity``, ``type_of``
``grant``                   GRANT or REVOKE
``write:rules``             a write of a table that has rules (CREATE RULE)
``superuser_only``          any other thing that only a superuser does
==========================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy import catalogs, functions, settings, statements
from devinprod_proxy.policy.facts import FunctionUse, RelationUse, SettingUse, StatementFacts
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.policy.wordlists import read, sections

_EXTENSIONS = sections(read("extensions.txt"))[""]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The statement may run, with these functions treated specially.

    ``masked``: identities whose result is closed; ``null``: functions of pg_catalog to be answered
    with NULL; ``session``: functions that the session answers or carries out itself.
    """

    masked: frozenset[str] = field(default_factory=frozenset)
    null: frozenset[str] = field(default_factory=frozenset)
    session: frozenset[str] = field(default_factory=frozenset)


def decide(facts: StatementFacts, policy: Policy, role: str) -> Allowed | Refusal:
    """The judgement on one statement for one role.

    ``position`` of a refusal is the fact's byte offset + 1 here; who knows the text turns it into
    a character's.

    >>> decide(StatementFacts("select_stmt"), Policy(), "developer")
    Allowed(masked=frozenset(), null=frozenset(), session=frozenset())
    >>> decide(StatementFacts("alter_system_stmt"), Policy(), "developer").sqlstate
    '42501'
    """
    for step in (
        _understood,
        _statement_kind,
        _irreversible,
        _opaque,
        _settings,
        _relations,
        _masked_schema,
        _functions,
    ):
        refusal = step(facts, policy)
        if refusal is not None:
            return refusal
    if facts.node in statements.KNOWN:
        return _treatments(facts, policy)
    return _not_understood(f"a statement of kind {facts.node}", facts.location)


# -- the steps -----------------------------------------------------------------------------------


def _understood(facts: StatementFacts, policy: Policy) -> Refusal | None:
    if facts.not_understood is not None:
        return _not_understood(facts.not_understood, facts.location)
    return None


def _statement_kind(facts: StatementFacts, policy: Policy) -> Refusal | None:
    if facts.node == "vacuum_stmt" and "vacuum" not in facts.details:
        return None  # ANALYZE
    never = statements.NEVER.get(facts.node)
    if never is not None:
        return _refuse(
            f"this statement cannot run in a devinprod session: {never[0]}", never[1], facts.location
        )
    return None


_IRREVERSIBLE = {
    "copy_file": (
        "COPY with a file of the server is not allowed",
        r"Use COPY ... TO STDOUT or FROM STDIN; in psql that is \copy.",
    ),
    "copy_program": (
        "COPY with a program of the server is not allowed",
        r"Use COPY ... TO STDOUT or FROM STDIN; in psql that is \copy.",
    ),
    "concurrently": (
        "CONCURRENTLY commits on its own, and a devinprod session never commits",
        "Leave out CONCURRENTLY: nobody waits for a lock that is only in your session.",
    ),
    "prepared_transaction": (
        "two-phase commit would outlive the session",
        "Use COMMIT or ROLLBACK: both stay inside the session.",
    ),
    "vacuum": ("VACUUM cannot run inside a transaction, and a devinprod session is one", None),
    "superuser_only": ("only an administrator of the server may do that", None),
}


def _irreversible(facts: StatementFacts, policy: Policy) -> Refusal | None:
    for detail, (message, hint) in _IRREVERSIBLE.items():
        if detail in facts.details:
            return _refuse(message, hint, facts.location)
    return None


def _opaque(facts: StatementFacts, policy: Policy) -> Refusal | None:
    opaque = facts.node in statements.OPAQUE or "opaque_body" in facts.details
    if opaque and not policy.hides_nothing:
        return _refuse(
            "devinprod does not see what this code reads, and some columns are masked",
            "Send its statements one by one. Functions that the database has may run once the policy names"
            ' them under [functions] as "safe".',
            facts.location,
        )
    if "write:rules" in facts.details and not policy.hides_nothing:
        return _refuse(
            "a rule of this table would run other statements in place of this one",
            "Write to the table that the rule writes to.",
            facts.location,
        )
    return None


def _settings(facts: StatementFacts, policy: Policy) -> Refusal | None:
    return _first(_setting(use) for use in facts.settings)


def _setting(use: SettingUse) -> Refusal | None:
    name = use.name.lower()
    if settings.reserved(name):
        return _refuse("settings of devinprod itself are not for clients", None, use.location)
    harmless = name in settings.RESET_ONLY and (use.value or "").lower() in ("none", "default")
    if harmless or settings.may(name, use.access):
        return None
    if name in settings.RESET_ONLY:
        return _refuse(
            "the role of a session cannot be changed",
            "What you see follows from your devinprod role; ask the operator for another one.",
            use.location,
        )
    return _refuse(
        f'setting "{use.name}" cannot be changed in a devinprod session',
        "It would reach beyond the session or show what is masked. Leave it out.",
        use.location,
    )


def _relations(facts: StatementFacts, policy: Policy) -> Refusal | None:
    return _first(_relation(use) for use in facts.relations)


def _relation(use: RelationUse) -> Refusal | None:
    if use.kind != "catalog":
        return None
    if use.access not in ("read", "lock"):
        return _refuse(
            f"{use.schema}.{use.name} is a catalog and cannot be changed by hand",
            "Use CREATE, ALTER or DROP.",
            use.location,
        )
    if catalogs.columns(use.schema, use.name) is None:
        return _refuse(
            f"{use.schema}.{use.name} cannot be read: it {catalogs.reason_against(use.name)}",
            "The schema itself stands in pg_class, pg_attribute and information_schema.",
            use.location,
        )
    return None


_DETACHING = {
    "alter:rename": "renaming",
    "alter:inherit": "changing the inheritance of",
    "alter:attach": "attaching",
    "alter:detach": "detaching",
    "alter:set_schema": "moving",
    "alter:owner": "changing the owner of",
    "alter:type": "changing the type of a masked column of",
    "alter:type_of": "changing the type of",
    "alter:rule": "a rule on",
    "alter:trigger": "a trigger on",
    "alter:policy": "a row policy on",
    "alter:row_security": "changing row security of",
    "alter:replica_identity": "changing the replica identity of",
    "grant": "changing privileges of",
}
"""What would take a column from under its rule, or look at its values by another way."""


def _masked_schema(facts: StatementFacts, policy: Policy) -> Refusal | None:
    if "ddl_expression" in facts.details:
        return _refuse(
            "an expression of this statement reads a masked column: its success alone would tell values",
            "Write it over columns that are clear, or ask for the column in the policy.",
            facts.location,
        )
    for use in facts.relations:
        if use.access != "ddl" or not use.masked:
            continue
        for detail, doing in _DETACHING.items():
            if detail in facts.details:
                return _refuse(
                    f"{doing} {use.schema}.{use.name} could take masked columns from under their rules",
                    "Try it on a copy of the table's structure: CREATE TABLE trial (LIKE "
                    f"{use.name} INCLUDING ALL).",
                    use.location if use.location >= 0 else facts.location,
                )
    return None


def _functions(facts: StatementFacts, policy: Policy) -> Refusal | None:
    return _first(_function(use, policy) for use in facts.functions)


def _function(use: FunctionUse, policy: Policy) -> Refusal | None:
    if use.schema is None:
        return Refusal(
            "42883",
            f"{_what(use)} {use.name} does not exist",
            "No function of that name is known in the database. Check the name and the schema.",
            position=_position(use.location),
        )
    if use.schema in ("pg_catalog", "information_schema"):
        return _builtin(use)
    if policy.hides_nothing or use.extension in _EXTENSIONS:
        return None
    unknown = [identity for identity in use.identities if identity not in policy.functions]
    if not use.identities or unknown:
        named = unknown[0] if unknown else f"{use.schema}.{use.name}"
        return _refuse(
            f"{_what(use)} {named} is not classified: devinprod does not know what it reads",
            f'The operator can add to [functions] of the policy: "{named}" = "safe" (or "masked").',
            use.location,
        )
    return None


def _builtin(use: FunctionUse) -> Refusal | None:
    if use.how != "call":
        return None  # operators and casts of PostgreSQL's own compute on their arguments
    treatment = functions.treatment(use.schema or "", use.name)
    if treatment is None:
        reason, hint = functions.reason_against(use.name)
        if reason == functions.UNLISTED:
            return Refusal("42883", f"function {use.name}() {reason}", hint, position=_position(use.location))
        return _refuse(f"{use.name}() is not allowed: it {reason}", hint, use.location)
    if treatment == "setting":
        name = use.constants[0] if use.constants else None
        if name is None and use.name == "current_setting":
            return None  # the server compares the name: sql/hide_settings.py
        if name is None:
            return _refuse(
                f"{use.name}() is allowed with a constant name only",
                f"Write the name of the setting as a constant: {use.name}('timezone' ...).",
                use.location,
            )
        value = use.constants[1] if len(use.constants) > 1 else None
        access = "set" if use.name == "set_config" else "show"
        return _setting(SettingUse(name, value, "set" if access == "set" else "show", use.location))
    return None


def _treatments(facts: StatementFacts, policy: Policy) -> Allowed:
    masked: set[str] = set()
    null: set[str] = set()
    session: set[str] = set()
    for use in facts.functions:
        masked.update(i for i in use.identities if policy.functions.get(i) == "masked")
        if use.schema in ("pg_catalog", "information_schema") and use.how == "call":
            treatment = functions.treatment(use.schema, use.name)
            if treatment == "null":
                null.add(use.name)
            elif treatment == "session":
                session.add(use.name)
    return Allowed(frozenset(masked), frozenset(null), frozenset(session))


# -- words ---------------------------------------------------------------------------------------


def _what(use: FunctionUse) -> str:
    return {"call": "function", "operator": "the function behind an operator,", "cast": "the cast"}[use.how]


def _not_understood(what: str, location: int) -> Refusal:
    return Refusal(
        "0A000",
        f"devinprod does not understand {what}, so it does not run",
        "Write the statement in a simpler form. If it should work, tell the operator of devinprod.",
        position=_position(location),
    )


def _refuse(message: str, hint: str | None, location: int) -> Refusal:
    return Refusal("42501", message, hint, position=_position(location))


def _position(location: int) -> int | None:
    return location + 1 if location >= 0 else None


def _first(refusals: Iterable[Refusal | None]) -> Refusal | None:
    return next((refusal for refusal in refusals if refusal is not None), None)
