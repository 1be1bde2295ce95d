"""Do the lists of the policy say of a real server what they are meant to say?"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from devinprod_proxy.policy import catalogs, functions, settings, statements
from devinprod_proxy.policy.wordlists import read, sections
from devinprod_proxy.session.settings import CLAMPED, PINNED, VIRTUAL
from devinprod_proxy.sql.parse import Node

Connection = psycopg.Connection[Any]
REVIEWED = sections(read("functions_reviewed.txt"))
IMMUTABLE = sections(read("functions_immutable.txt"))[""]


def words(text: str) -> frozenset[str]:
    return sections(text)[""]


def names(connection: Connection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query)}


def test_no_function_is_allowed_that_was_not_read(keyless: Connection) -> None:
    """Every allowed name is IMMUTABLE in all its forms, or stands in the reviewed list."""
    changing = names(
        keyless,
        "SELECT DISTINCT proname::text FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile <> 'i'",
    )
    assert not (IMMUTABLE & changing) - REVIEWED["allowed"]


def test_nothing_runs_sql_reads_files_or_reaches_beyond(keyless: Connection) -> None:
    every = names(
        keyless, "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    )
    beginnings = tuple(
        words(
            """
            query_to_xml cursor_to_xml table_to_xml schema_to_xml database_to_xml ts_stat ts_rewrite
            pg_read_ pg_ls_ pg_stat_ pg_logical_ pg_replication_ pg_create_ pg_drop_ pg_copy_
            pg_wal_replay pg_switch_ pg_backup lo_ lowrite loread pg_terminate pg_cancel pg_reload
            pg_rotate pg_log_ pg_promote binary_upgrade pg_hba pg_ident_file pg_show_all_file pg_export
            pg_prepared pg_cursor pg_event_trigger pg_clear_ pg_restore_ fmgr_ pg_import
            pg_extension_config brin_ gin_clean pg_current_logfile pg_relation_filepath
            current_query
            """
        )
    )
    dangerous = {name for name in every if name.startswith(beginnings)}
    assert len(dangerous) > 100
    assert {name for name in dangerous if functions.treatment("pg_catalog", name) is not None} == set()


def test_every_reviewed_name_exists_somewhere(keyless: Connection) -> None:
    """A typing error would leave a function refused for ever. Names of SQL's own grammar count too."""
    every = names(keyless, "SELECT DISTINCT proname::text FROM pg_proc")
    grammar = {"current_role", "user", "json_array", "xmlparse", "system_user"}
    other_versions = words(
        """
        array_sample array_shuffle date_add date_subtract json_agg_strict json_object_agg_strict
        json_object_agg_unique json_object_agg_unique_strict jsonb_agg_strict random_normal uuidv4
        uuidv7 pg_basetype to_regtypemod pg_get_acl jsonb_populate_record_valid
        pg_available_extensions pg_timezone_abbrevs
        """
    )
    listed = REVIEWED["allowed"] | REVIEWED["session"] | REVIEWED["setting"] | REVIEWED["null"]
    assert listed - every - grammar - other_versions == set()


def test_no_name_is_in_two_lists() -> None:
    assert not REVIEWED["session"] & (REVIEWED["allowed"] | IMMUTABLE)
    assert not (REVIEWED["setting"] | REVIEWED["null"]) & (REVIEWED["allowed"] | IMMUTABLE)


def test_every_statement_kind_of_the_parser_is_in_one_list() -> None:
    kinds = {field.name for field in Node.DESCRIPTOR.fields if field.name.endswith("_stmt")}
    # Parts of other statements and of PL/pgSQL, never a statement of its own.
    kinds -= words("plassign_stmt raw_stmt replica_identity_stmt return_stmt set_operation_stmt")
    assert statements.KNOWN | statements.NEVER.keys() == kinds
    assert statements.KNOWN & statements.NEVER.keys() == {"vacuum_stmt"}  # ANALYZE runs, VACUUM does not


def test_all_that_the_session_keeps_may_be_set() -> None:
    assert VIRTUAL | CLAMPED | PINNED.keys() <= settings.ALLOWED


def test_settings_exist_and_are_the_users_to_set(keyless: Connection) -> None:
    context = dict(keyless.execute("SELECT name, context FROM pg_settings").fetchall())
    lower = {name.lower(): kind for name, kind in context.items()}
    known = {name for name in settings.ALLOWED if name in lower}
    assert len(known) > len(settings.ALLOWED) - 12  # the rest belongs to other versions
    assert {name for name in known if lower[name] not in ("user",)} <= {
        # whoever may change these needs a privilege, and then they still only concern the backend
        "lc_messages"
    }


def test_listed_catalogs_and_columns_exist_and_secrets_are_null(keyless: Connection) -> None:
    for schema, name in catalogs._catalogs():
        present = names(
            keyless,
            f"SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('{schema}.{name}')"
            " AND attnum > 0 AND NOT attisdropped",
        )
        listed = catalogs.columns(schema, name)
        assert listed is not None
        if present:
            assert present <= listed.keys(), (schema, name)
    for relation, column in (
        ("pg_proc", "prosrc"),
        ("pg_proc", "prosqlbody"),
        ("pg_attribute", "attmissingval"),
        ("pg_stat_activity", "query"),
        ("pg_rewrite", "ev_action"),
        ("pg_subscription", "subconninfo"),
        ("pg_user_mappings", "umoptions"),
        ("pg_db_role_setting", "setconfig"),
    ):
        listed = catalogs.columns("pg_catalog", relation)
        assert listed is not None
        assert listed[column] == "null", relation


CLOSED = """
pg_stats% pg_statistic pg_statistic_ext_data pg_authid pg_shadow pg_largeobject% pg_user_mapping
pg_hba% pg_file_settings pg_ident% pg_cursors pg_prepared% pg_replication_% pg_backend_memory%
pg_shmem% pg_stat_replication% pg_stat_wal% pg_aios
"""


@pytest.mark.parametrize("pattern", sorted(words(CLOSED)))
def test_closed_catalogs(keyless: Connection, pattern: str) -> None:
    found = names(
        keyless,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace"
        f" AND relname LIKE '{pattern}' AND relkind IN ('r', 'v')",
    )
    assert {name for name in found if catalogs.columns("pg_catalog", name) is not None} == set()


def test_a_column_that_the_list_does_not_have_is_not_clear() -> None:
    assert catalogs.all_clear("pg_catalog", "pg_namespace", frozenset({"oid"}))
    assert not catalogs.all_clear("pg_catalog", "pg_namespace", frozenset({"oid", "nspfuture"}))
    assert not catalogs.all_clear("pg_catalog", "pg_proc", frozenset({"prosrc"}))
