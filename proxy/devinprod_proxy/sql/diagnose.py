"""What do ``doctor`` and ``setup`` ask a target, and what does ``setup`` tell it?

Fixed texts with quoted names, run on a connection of their own, never inside a session.
"""

from __future__ import annotations

from collections.abc import Sequence

from devinprod_proxy.sql.control import identifier, literal
from devinprod_proxy.sql.statement import ServerSql

SETTINGS = ("max_connections", "max_prepared_transactions", "superuser_reserved_connections", "wal_level")
"""Settings that findings speak of."""

_HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
_OWN = "nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"

_FACTS = f"""
SELECT json_build_object(
'version', current_setting('server_version'),
'version_number', current_setting('server_version_num')::int,
'role', current_user,
'database', current_database(),
'identity', concat(pg_postmaster_start_time(), ' ', {_HERE}),
'encoding', (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()),
'recovery', pg_is_in_recovery(),
'replay_lag', CASE WHEN pg_is_in_recovery() THEN
    EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END,
'walsenders', (SELECT count(*) FROM pg_stat_replication),
'subscriptions', (SELECT json_agg(json_build_object(
    'name', s.subname, 'enabled', s.subenabled,
    'worker', EXISTS (SELECT FROM pg_stat_subscription t WHERE t.subid = s.oid AND t.pid IS NOT NULL),
    'silent', (SELECT EXTRACT(EPOCH FROM clock_timestamp() - max(t.last_msg_receipt_time))
               FROM pg_stat_subscription t WHERE t.subid = s.oid),
    'unready', (SELECT count(*) FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r'),
    'errors', (SELECT x.apply_error_count + x.sync_error_count FROM pg_stat_subscription_stats x
               WHERE x.subid = s.oid)))
    FROM pg_subscription s WHERE s.subdbid = {_HERE}),
'attributes', (SELECT json_build_object('SUPERUSER', rolsuper, 'REPLICATION', rolreplication,
    'BYPASSRLS', rolbypassrls, 'CREATEROLE', rolcreaterole, 'CREATEDB', rolcreatedb)
    FROM pg_roles WHERE rolname = current_user),
'predefined', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles
    WHERE rolname LIKE 'pg\\_%' AND rolname <> 'pg_database_owner'
      AND pg_has_role(current_user, oid, 'MEMBER')),
'transaction_timeout', COALESCE(current_setting('transaction_timeout', true), '0'),
'settings', (SELECT json_object_agg(name, setting) FROM pg_settings
    WHERE name IN ({", ".join(map(literal, SETTINGS))})),
'extensions', (SELECT json_agg(extname ORDER BY extname) FROM pg_extension),
'languages', (SELECT json_agg(lanname ORDER BY lanname) FROM pg_language
    WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')),
'foreign_servers', (SELECT json_agg(srvname ORDER BY srvname) FROM pg_foreign_server),
'event_triggers', (SELECT json_agg(evtname ORDER BY evtname) FROM pg_event_trigger WHERE evtenabled <> 'D'),
'keyless', (SELECT json_agg(DISTINCT format('%I.%I', n.nspname, c.relname))
    FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    WHERE c.relreplident = 'n' OR c.relreplident = 'd'
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)),
'schemas', (SELECT json_agg(nspname ORDER BY nspname) FROM pg_namespace WHERE {_OWN}),
'forbidden_schemas', (SELECT json_agg(nspname ORDER BY nspname) FROM pg_namespace
    WHERE {_OWN} AND NOT has_schema_privilege(oid, 'USAGE')),
'unreadable', (SELECT json_agg(format('%I.%I', n.nspname, c.relname) ORDER BY 1) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OWN} AND c.relkind IN ('r', 'p') AND NOT has_any_column_privilege(c.oid, 'SELECT')),
'owners', (SELECT json_agg(DISTINCT pg_get_userbyid(c.relowner)) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND c.relkind IN ('r', 'p')),
'owner_of', (SELECT json_agg(DISTINCT pg_get_userbyid(c.relowner)) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OWN} AND c.relkind IN ('r', 'p') AND pg_has_role(current_user, c.relowner, 'MEMBER')),
'sequences', (SELECT json_agg(json_build_object(
    'schema', sn.nspname, 'name', s.relname, 'type', format_type(q.seqtypid, NULL),
    'max', LEAST(q.seqmax, CASE a.atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE q.seqmax END),
    'usable', q.seqincrement > 0 AND NOT q.seqcycle,
    'readable', has_sequence_privilege(s.oid, 'SELECT') OR has_sequence_privilege(s.oid, 'USAGE'),
    'last', CASE WHEN has_sequence_privilege(s.oid, 'SELECT') OR has_sequence_privilege(s.oid, 'USAGE')
            THEN pg_sequence_last_value(s.oid) END,
    'table_schema', tn.nspname, 'table', t.relname, 'column', a.attname) ORDER BY sn.nspname, s.relname)
    FROM (SELECT objid AS sequence, refobjid AS relation, refobjsubid AS attnum FROM pg_depend
          WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
            AND deptype IN ('a', 'i') AND refobjsubid > 0
          UNION SELECT d.refobjid, ad.adrelid, ad.adnum
          FROM pg_depend d JOIN pg_attrdef ad ON ad.oid = d.objid
          WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass) o
    JOIN pg_class s ON s.oid = o.sequence AND s.relkind = 'S' AND s.relpersistence = 'p'
    JOIN pg_sequence q ON q.seqrelid = s.oid
    JOIN pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_class t ON t.oid = o.relation JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = o.attnum AND a.atttypid IN (20, 21, 23))
)::text"""


def target_survey() -> ServerSql:
    """Everything that findings are made of, as one JSON text."""
    return ServerSql(_FACTS)


def patience(seconds: int) -> ServerSql:
    """Let no question of ours run longer than that."""
    return ServerSql(f"SET statement_timeout = {int(seconds) * 1000}")


def greatest(schema: str, table: str, column: str) -> ServerSql:
    """The greatest value of one column: one row, one text."""
    return ServerSql(
        f"SELECT pg_catalog.max({identifier(column)})::text FROM {identifier(schema)}.{identifier(table)}"
    )


def readable_columns(columns: Sequence[tuple[str, str, str]]) -> ServerSql:
    """Which of these (schema, table, column) the role can read: one row of texts for each."""
    rows = ", ".join(f"({literal(s)}, {literal(t)}, {literal(c)})" for s, t, c in columns)
    return ServerSql(
        f"SELECT v.s, v.t, v.c FROM (VALUES {rows}) AS v(s, t, c) WHERE pg_catalog.has_column_privilege("
        "pg_catalog.format('%I.%I', v.s, v.t)::pg_catalog.regclass, v.c, 'SELECT')"
    )


def role_exists(role: str) -> ServerSql:
    """Whether there is that role and it is a superuser, and the predefined roles it is in: two texts."""
    return ServerSql(
        f"SELECT (SELECT rolsuper::text FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}),"
        " (SELECT pg_catalog.string_agg(g.rolname, ',' ORDER BY g.rolname) FROM pg_catalog.pg_auth_members m"
        " JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles r ON r.oid = m.member"
        f" WHERE r.rolname = {literal(role)} AND g.rolname LIKE 'pg\\_%')"
    )


def told(text: str) -> ServerSql:
    """One statement of ``setup``'s own, made by :mod:`devinprod_proxy.server.setup`."""
    return ServerSql(text)
