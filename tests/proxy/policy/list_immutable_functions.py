"""Which IMMUTABLE functions does pg_catalog have?  Writes policy/functions_immutable.txt.

    python tests/proxy/policy/list_immutable_functions.py DSN [DSN ...]

IMMUTABLE functions read no data, no settings and no clock, so all of them are allowed, except those
whose arguments only the server can make (internal, cstring) and names that have another, not
IMMUTABLE form, which are read one by one in functions_reviewed.txt. Run it for each new major version
and review the difference.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import psycopg

NAMES = """
SELECT proname FROM pg_catalog.pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
 GROUP BY proname
HAVING bool_and(provolatile = 'i')
   AND bool_or(prorettype NOT IN ('internal'::regtype, 'cstring'::regtype, 'trigger'::regtype,
                 'event_trigger'::regtype, 'index_am_handler'::regtype, 'table_am_handler'::regtype,
                 'tsm_handler'::regtype, 'fdw_handler'::regtype, 'language_handler'::regtype)
               AND NOT proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[])
"""
TARGET = Path(__file__).parents[3] / "proxy/devinprod_proxy/policy/functions_immutable.txt"
HEAD = """\
# Functions of pg_catalog that are IMMUTABLE: they read no data, no settings and no clock.
# Made by tests/proxy/policy/list_immutable_functions.py; the exceptions below were read by hand.
"""
# IMMUTABLE by name only: they look other things up, or serve the server alone.
EXCEPTIONS = frozenset({"xmlvalidate", "satisfies_hash_partition", "gist_translate_cmptype_common"})


def immutable_functions(dsns: list[str]) -> list[str]:
    """The names, over all servers given."""
    names: set[str] = set()
    for dsn in dsns:
        with psycopg.connect(dsn) as connection:
            names |= {row[0] for row in connection.execute(NAMES)}
    return sorted(names - EXCEPTIONS)


if __name__ == "__main__":
    body = textwrap.fill(
        " ".join(immutable_functions(sys.argv[1:])), 108, break_on_hyphens=False, break_long_words=False
    )
    TARGET.write_text(HEAD + body + "\n")
