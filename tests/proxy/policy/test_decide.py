"""What is refused, with which words, and does everything unknown end refused?"""

from __future__ import annotations

import pytest
from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.decide import Allowed, decide
from devinprod_proxy.policy.facts import (
    Access,
    FunctionUse,
    RelationKind,
    RelationUse,
    SettingUse,
    StatementFacts,
)
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.model import Policy

MASKING = load_policy('version = 1\n[functions]\n"public.f(integer)" = "safe"\n"public.g()" = "masked"', "p")
OPEN = load_policy('version = 1\ndefault = "clear"', "p")


def judged(facts: StatementFacts, policy: Policy = MASKING) -> Allowed | Refusal:
    return decide(facts, policy, "developer")


def refused(facts: StatementFacts, policy: Policy = MASKING) -> Refusal:
    found = judged(facts, policy)
    assert isinstance(found, Refusal), found
    assert found.message
    return found


def select(*functions: FunctionUse, settings: tuple[SettingUse, ...] = ()) -> StatementFacts:
    return StatementFacts("select_stmt", functions=functions, settings=settings)


def relation(
    name: str = "customers", kind: RelationKind = "table", access: Access = "ddl", masked: bool = True
) -> RelationUse:
    return RelationUse("pg_catalog" if kind == "catalog" else "public", name, kind, access, masked, 7)


def test_what_is_not_understood_is_refused() -> None:
    refusal = refused(StatementFacts("select_stmt", not_understood="GRAPH_TABLE", location=4))
    assert refusal.sqlstate == "0A000"
    assert "GRAPH_TABLE" in refusal.message
    assert refusal.position == 5
    assert refusal.hint


def test_a_kind_that_no_list_has_is_refused_even_where_nothing_is_masked() -> None:
    for policy in (MASKING, OPEN):
        assert refused(StatementFacts("repack_stmt"), policy).sqlstate == "0A000"


@pytest.mark.parametrize(
    "node",
    [
        "alter_system_stmt",
        "createdb_stmt",
        "load_stmt",
        "create_role_stmt",
        "create_extension_stmt",
        "create_subscription_stmt",
        "check_point_stmt",
        "drop_owned_stmt",
        "import_foreign_schema_stmt",
    ],
)
def test_what_no_rollback_undoes_is_refused_whatever_the_policy(node: str) -> None:
    for policy in (MASKING, OPEN):
        assert refused(StatementFacts(node), policy).sqlstate == "42501"


@pytest.mark.parametrize(
    ("node", "detail"),
    [
        ("copy_stmt", "copy_file"),
        ("copy_stmt", "copy_program"),
        ("index_stmt", "concurrently"),
        ("transaction_stmt", "prepared_transaction"),
        ("vacuum_stmt", "vacuum"),
        ("alter_table_stmt", "superuser_only"),
    ],
)
def test_details_that_outlive_a_rollback(node: str, detail: str) -> None:
    assert judged(StatementFacts(node)) == Allowed()
    for policy in (MASKING, OPEN):
        assert refused(StatementFacts(node, details=frozenset({detail})), policy).sqlstate == "42501"


@pytest.mark.parametrize("node", ["do_stmt", "create_function_stmt", "define_stmt", "create_cast_stmt"])
def test_opaque_code_runs_only_where_nothing_is_masked(node: str) -> None:
    refusal = refused(StatementFacts(node))
    assert "functions" in (refusal.hint or "")
    assert judged(StatementFacts(node), OPEN) == Allowed()


def test_writes_that_a_rule_redirects() -> None:
    facts = StatementFacts("insert_stmt", details=frozenset({"write:rules"}))
    assert "rule" in refused(facts).message
    assert judged(facts, OPEN) == Allowed()


@pytest.mark.parametrize(
    "name",
    [
        "pg_read_file",
        "query_to_xml",
        "lo_import",
        "pg_terminate_backend",
        "pg_stat_reset",
        "pg_logical_emit_message",
        "ts_stat",
        "pg_export_snapshot",
    ],
)
def test_functions_of_postgresql_that_no_list_has(name: str) -> None:
    for policy in (MASKING, OPEN):
        refusal = refused(select(FunctionUse("pg_catalog", name, location=7)), policy)
        assert refusal.sqlstate == "42501"
        assert name in refusal.message
        assert refusal.position == 8


def test_a_function_that_nobody_knows_may_be_a_typing_error() -> None:
    refusal = refused(select(FunctionUse("pg_catalog", "loewr", location=7)))
    assert refusal.sqlstate == "42883"
    assert "loewr() does not exist" in refusal.message


def test_functions_of_postgresql_that_are_harmless_or_treated() -> None:
    calls = [FunctionUse("pg_catalog", n) for n in ("lower", "pg_notify", "nextval", "pg_get_functiondef")]
    assert judged(select(*calls)) == Allowed(
        null=frozenset({"pg_get_functiondef"}), session=frozenset({"pg_notify", "nextval"})
    )
    assert judged(select(FunctionUse("information_schema", "_pg_expandarray"))) == Allowed()
    assert judged(select(FunctionUse("pg_catalog", "||", how="operator"))) == Allowed()


def test_functions_of_the_company() -> None:
    known = FunctionUse("public", "f", ("public.f(integer)",))
    assert judged(select(known)) == Allowed()
    masked = FunctionUse("public", "g", ("public.g()",))
    assert judged(select(masked)) == Allowed(masked=frozenset({"public.g()"}))
    overloaded = FunctionUse("public", "f", ("public.f(integer)", "public.f(text)"), location=7)
    refusal = refused(select(overloaded))
    assert "public.f(text)" in refusal.message
    assert '"public.f(text)" = "safe"' in (refusal.hint or "")
    assert judged(select(overloaded), OPEN) == Allowed()
    assert refused(select(FunctionUse("public", "h"))).sqlstate == "42501"
    for how in ("operator", "cast"):
        assert refused(select(FunctionUse("public", "h", ("public.h()",), how=how)))  # type: ignore[arg-type]


def test_functions_of_known_extensions() -> None:
    use = FunctionUse("public", "similarity", ("public.similarity(text,text)",), extension="pg_trgm")
    assert judged(select(use)) == Allowed()
    use = FunctionUse("public", "dblink", ("public.dblink(text)",), extension="dblink")
    assert refused(select(use)).sqlstate == "42501"


def test_functions_that_do_not_exist() -> None:
    assert refused(select(FunctionUse(None, "nope", location=7))).sqlstate == "42883"


@pytest.mark.parametrize("function", ["current_setting", "set_config"])
@pytest.mark.parametrize("name", ["devinprod.key", "DEVINPROD.Key"])
def test_settings_of_the_proxy_itself_are_nobodys(function: str, name: str) -> None:
    assert refused(select(FunctionUse("pg_catalog", function, constants=(name, "x")))).sqlstate == "42501"


@pytest.mark.parametrize("constants", [(), (None, "x")])
def test_a_computed_name_is_refused_to_set_and_left_to_the_server_to_read(
    constants: tuple[str | None, ...],
) -> None:
    assert refused(select(FunctionUse("pg_catalog", "set_config", constants=constants))).sqlstate == "42501"
    assert judged(select(FunctionUse("pg_catalog", "current_setting", constants=constants))) == Allowed()


def test_settings_by_function_are_judged_like_set() -> None:
    assert (
        judged(select(FunctionUse("pg_catalog", "current_setting", constants=("log_statement",))))
        == Allowed()
    )
    assert (
        judged(select(FunctionUse("pg_catalog", "set_config", constants=("app.tenant", None, None))))
        == Allowed()
    )
    assert refused(select(FunctionUse("pg_catalog", "set_config", constants=("log_statement", "all", None))))


@pytest.mark.parametrize(
    ("name", "value", "access", "allowed"),
    [
        ("TimeZone", "UTC", "set", True),
        ("app.tenant_id", "7", "set", True),
        ("statement_timeout", "0", "set", True),
        ("log_statement", "all", "set", False),
        ("debug_print_plan", "on", "set", False),
        ("session_replication_role", "replica", "set", False),
        ("local_preload_libraries", "x", "set", False),
        ("plpgsql.print_strict_params", "on", "set", False),
        ("devinprod.key", "x", "set", False),
        ("devinprod.key", None, "show", False),
        ("devinprod.key", None, "reset", False),
        ("work_mem", None, "show", True),
        ("all", None, "reset", True),
        ("role", "postgres", "set", False),
        ("role", "none", "set", True),
        ("role", None, "reset", True),
        ("session_authorization", "postgres", "set", False),
        ("session_authorization", None, "reset", True),
    ],
)
def test_settings(name: str, value: str | None, access: str, allowed: bool) -> None:
    use = SettingUse(name, value, access)  # type: ignore[arg-type]
    found = judged(StatementFacts("variable_set_stmt", settings=(use,)))
    assert isinstance(found, Allowed) is allowed


def test_catalogs() -> None:
    def read(name: str, access: Access = "read") -> StatementFacts:
        return StatementFacts("select_stmt", relations=(relation(name, "catalog", access, False),))

    assert judged(read("pg_class")) == Allowed()
    for name in (
        "pg_stats",
        "pg_statistic",
        "pg_authid",
        "pg_shadow",
        "pg_largeobject",
        "pg_prepared_statements",
    ):
        for policy in (MASKING, OPEN):
            refusal = refused(read(name), policy)
            assert refusal.sqlstate == "42501"
            assert name in refusal.message
    for access in ("insert", "update", "delete", "truncate", "ddl"):
        assert refused(read("pg_class", access))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "detail",
    [
        "alter:rename",
        "alter:inherit",
        "alter:attach",
        "alter:detach",
        "alter:set_schema",
        "alter:owner",
        "alter:type",
        "alter:rule",
        "alter:trigger",
        "alter:policy",
        "grant",
    ],
)
def test_what_takes_columns_from_under_their_rules(detail: str) -> None:
    facts = StatementFacts("alter_table_stmt", (relation(),), details=frozenset({detail}))
    refusal = refused(facts)
    assert "public.customers" in refusal.message
    clear = StatementFacts("alter_table_stmt", (relation(masked=False),), details=frozenset({detail}))
    assert judged(clear) == Allowed()


def test_expressions_over_masked_columns_in_ddl() -> None:
    facts = StatementFacts("index_stmt", (relation(),), details=frozenset({"ddl_expression"}))
    assert refused(facts).sqlstate == "42501"


def test_ordinary_ddl_of_a_masked_table_runs() -> None:
    assert (
        judged(StatementFacts("alter_table_stmt", (relation(),), details=frozenset({"alter:add_column"})))
        == Allowed()
    )
