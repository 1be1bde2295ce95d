"""What does the proxy ask the target about itself?  One statement, one row, one JSON text.

Everything is qualified, so that no setting of a client changes what it reads. View definitions,
types and default expressions are printed while ``search_path`` is ``pg_catalog`` alone, so that
every name of the company's own comes back with its schema. The statement does that by itself, and
puts the setting back, in three steps that depend on each other's values (a planner may not run
``before`` later than what takes ``before.nothing`` as an argument, nor the last call earlier than
the text that it takes). An error in between rolls the setting back with the transaction.
"""

from __future__ import annotations

_OWN = (
    r"n.nspname NOT LIKE 'pg\_toast%'"
    r" AND (n.nspname NOT LIKE 'pg\_temp\_%' OR n.oid = pg_catalog.pg_my_temp_schema())"
)


def _printed(oid: str) -> str:
    """An oid that is not known before search_path has been set."""
    return f"({oid}::pg_catalog.int8 + before.nothing)::pg_catalog.oid"


def _in_progress(xmin: str) -> str:
    """True for a catalog row that this very transaction wrote: visible, and its writer not at an end.

    xmin has 32 bits; its epoch follows from the nearest transaction id of now (manual, 9.28.8).
    """
    short = f"{xmin}::pg_catalog.text::pg_catalog.int8"
    next_id = (
        "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8"
    )
    distance = f"pg_catalog.mod({short} - {next_id} % 4294967296 + 2147483648 + 4294967296, 4294967296)"
    full = f"({next_id} + {distance} - 2147483648)::pg_catalog.text::pg_catalog.xid8"
    return (
        f"CASE WHEN {short} > 2 THEN COALESCE(pg_catalog.pg_xact_status({full}) = 'in progress', false)"
        " ELSE false END"
    )


def _identity(schema: str, name: str, types: str) -> str:
    """``schema.name(type,type)``, as the policy names functions."""
    return f"""pg_catalog.concat(pg_catalog.quote_ident({schema}), '.', pg_catalog.quote_ident({name}), '(', (
      SELECT pg_catalog.string_agg(pg_catalog.format_type({_printed("t.t")}, NULL), ',' ORDER BY t.n)
      FROM pg_catalog.unnest({types}::pg_catalog.oid[]) WITH ORDINALITY AS t(t, n)), ')')"""


CATALOG_QUERY = rf"""
WITH before AS MATERIALIZED (
  SELECT old.search_path, 0 * pg_catalog.length(pg_catalog.set_config('search_path',
           pg_catalog.concat('pg_catalog', pg_catalog.substr(old.search_path, 1, 0)), true)) AS nothing
  FROM (SELECT pg_catalog.current_setting('search_path') AS search_path OFFSET 0) AS old
), own_relations AS MATERIALIZED (
  SELECT c.*, n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND {_OWN}
), own_functions AS MATERIALIZED (
  SELECT p.oid, p.proname, p.prokind, p.provolatile, p.prorettype, p.pronargs, p.proargtypes,
    n.nspname, e.extname
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    AND d.objid = p.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND {_OWN}
), document AS MATERIALIZED (
SELECT before.search_path, pg_catalog.json_build_object(
'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
'database', pg_catalog.current_database(),
'role', CURRENT_USER,
'temp_schema', (SELECT n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.oid = pg_catalog.pg_my_temp_schema()),
'schemas', (SELECT pg_catalog.json_agg(n.nspname ORDER BY n.nspname)
  FROM pg_catalog.pg_namespace n WHERE {_OWN}),
'extensions', (SELECT pg_catalog.json_agg(e.extname ORDER BY e.extname) FROM pg_catalog.pg_extension e),
'relations', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
    c.oid::pg_catalog.int8, c.nspname, c.relname, c.relkind, c.relpersistence,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
       a.attnum, a.attname, a.atttypid::pg_catalog.int8,
       pg_catalog.format_type({_printed("a.atttypid")}, a.atttypmod),
       a.atttypmod, a.attnotnull, a.attgenerated, a.attidentity,
       pg_catalog.pg_get_expr(ad.adbin, {_printed("ad.adrelid")}))
       ORDER BY a.attnum)
     FROM pg_catalog.pg_attribute a
     LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I', 'S')),
    CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef({_printed("c.oid")}) END,
    c.relhasrules AND (c.relkind NOT IN ('v', 'm') OR (SELECT pg_catalog.count(*) > 1
      FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)),
    (SELECT pg_catalog.json_agg(i.inhparent::pg_catalog.int8 ORDER BY i.inhseqno)
     FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND c.relkind NOT IN ('i', 'I')),
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indisprimary,
         i.indisunique AND i.indpred IS NULL AND i.indisvalid AND i.indisready,
         i.indkey::pg_catalog.int2[], i.indnkeyatts, am.amname, i.indpred IS NOT NULL)
       ORDER BY i.indexrelid)
     FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
     JOIN pg_catalog.pg_am am ON am.oid = ic.relam WHERE i.indrelid = c.oid),
    (SELECT i.indrelid::pg_catalog.int8 FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid),
    c.reltype::pg_catalog.int8,
    c.relkind = 'v' AND COALESCE((SELECT {_in_progress("r.xmin")} FROM pg_catalog.pg_rewrite r
      WHERE r.ev_class = c.oid AND r.rulename = '_RETURN'), false)
  ) ORDER BY c.oid) FROM own_relations c),
'partition_keys', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(p.partrelid::pg_catalog.int8,
    p.partattrs::pg_catalog.int2[]) ORDER BY p.partrelid) FROM pg_catalog.pg_partitioned_table p),
'functions', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
    p.nspname, p.proname, {_identity("p.nspname", "p.proname", "p.proargtypes")},
    p.prokind, p.provolatile, p.prorettype::pg_catalog.int8, p.extname,
    (SELECT pg_catalog.json_agg(t.t::pg_catalog.int8 ORDER BY t.n)
     FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS t(t, n))
  ) ORDER BY p.oid) FROM own_functions p),
'shadowed', (SELECT pg_catalog.json_agg(DISTINCT b.proname) FROM pg_catalog.pg_proc b
  WHERE b.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
    AND b.proname IN (SELECT p.proname FROM own_functions p)),
'unary', (SELECT pg_catalog.json_agg(DISTINCT b.proname) FROM pg_catalog.pg_proc b
  WHERE b.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
    AND b.pronargs >= 1 AND b.pronargs - b.pronargdefaults <= 1),
'operators', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, o.oprname,
    (SELECT {_identity("fn.nspname", "p.proname", "p.proargtypes")}
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace fn ON fn.oid = p.pronamespace
     WHERE p.oid = o.oprcode::pg_catalog.oid),
    (SELECT p.extname FROM own_functions p WHERE p.oid = o.oprcode::pg_catalog.oid)
  ) ORDER BY o.oid)
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
  WHERE n.nspname <> 'pg_catalog'),
'casts', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.typname,
    {_identity("p.nspname", "p.proname", "p.proargtypes")}, p.nspname, p.proname, p.extname) ORDER BY k.oid)
  FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type t ON t.oid = k.casttarget
  JOIN own_functions p ON p.oid = k.castfunc),
'triggers', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.tgrelid::pg_catalog.int8, t.tgname,
    n.nspname, p.proname,
    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(p.proname), '()'),
    t.tgtype::pg_catalog.int4, t.tgenabled) ORDER BY t.oid)
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE NOT t.tgisinternal),
'foreign_keys', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(k.conrelid::pg_catalog.int8,
    k.confrelid::pg_catalog.int8, k.confdeltype, k.confupdtype, k.conkey, k.confkey) ORDER BY k.oid)
  FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'),
'deferrable', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, k.conname, k.condeferred) ORDER BY k.oid)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
  WHERE k.condeferrable AND k.conparentid = 0 AND {_OWN}),
'types', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.oid::pg_catalog.int8, n.nspname, t.typname,
    t.typtype, t.typbasetype::pg_catalog.int8, t.typelem::pg_catalog.int8, t.typtypmod,
    (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
     FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)) ORDER BY t.oid)
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname = 'pg_catalog' AND t.typtype <> 'c' AND t.typname NOT LIKE '\_pg\_%'
     OR n.nspname NOT IN ('pg_catalog', 'information_schema') AND {_OWN}),
'catalogs', (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, c.relname, (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname,
      pg_catalog.format_type({_printed("a.atttypid")}, a.atttypmod)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
    ORDER BY c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v'))
)::pg_catalog.text AS document
FROM before)
SELECT document.document FROM document
WHERE pg_catalog.set_config('search_path', pg_catalog.concat(document.search_path,
        pg_catalog.substr(document.document, 1, 0)), true) IS NOT NULL
"""
