"""Which of PostgreSQL's own functions may run, and how?  An allow-list; all others are refused."""

from __future__ import annotations

from typing import Literal

from devinprod_proxy.policy.wordlists import read, sections

FunctionTreatment = Literal["allowed", "session", "setting", "null"]
"""``session``: the session answers or carries it out; ``setting``: judged by the setting it names;
``null``: the call is answered with NULL of its type."""

_REVIEWED = sections(read("functions_reviewed.txt"))
_ALLOWED = _REVIEWED["allowed"] | sections(read("functions_immutable.txt"))[""]

# pgjdbc and generated views of information_schema call these; all are IMMUTABLE SQL over their arguments.
_INFORMATION_SCHEMA = sections(
    """
    _pg_char_max_length _pg_char_octet_length _pg_datetime_precision _pg_expandarray _pg_index_position
    _pg_interval_type _pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale _pg_truetypid
    _pg_truetypmod
    """
)[""]


def treatment(schema: str, name: str) -> FunctionTreatment | None:
    """What happens to a call of a function of pg_catalog or information_schema; None: it is refused.

    >>> treatment("pg_catalog", "lower"), treatment("pg_catalog", "pg_read_file")
    ('allowed', None)
    """
    if schema == "information_schema":
        return "allowed" if name in _INFORMATION_SCHEMA else None
    if schema != "pg_catalog":
        return None
    if name in _REVIEWED["session"]:
        return "session"
    if name in _REVIEWED["setting"]:
        return "setting"
    if name in _REVIEWED["null"]:
        return "null"
    return "allowed" if name in _ALLOWED else None


UNLISTED = "does not exist, or is not on devinprod's list of harmless functions"
_REASONS: tuple[tuple[str, str, str | None], ...] = (
    (
        "query_to_xml cursor_to_xml database_to_xml schema_to_xml table_to_xml ts_stat ts_rewrite",
        "runs SQL text that devinprod cannot see",
        "Write the query itself.",
    ),
    (
        "pg_read_ pg_ls_ pg_stat_file pg_current_logfile pg_relation_filepath pg_hba_ pg_ident_"
        " pg_show_all_file",
        "reads files of the server",
        "What the application needs is in its tables; for a file, ask the operator of the server.",
    ),
    ("lo_ loread lowrite", "reads or writes large objects, which no rule can mask", "Use a bytea column."),
    (
        "pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_log_backend"
        " pg_log_standby pg_promote",
        "reaches beyond this session, and no rollback undoes it",
        "To stop a statement of your own, cancel it from its client.",
    ),
    (
        "pg_logical_ pg_replication_ pg_create_ pg_drop_ pg_copy_ pg_export_snapshot pg_switch_wal pg_wal_"
        " pg_backup_ pg_sync_",
        "concerns replication, WAL or backups of the server, and no rollback undoes it",
        "Ask the operator of the server; a session is for the data.",
    ),
    (
        "pg_stat_get_ pg_prepared_ pg_cursor pg_get_backend_ pg_lock_status",
        "shows what other sessions do",
        "Read the pg_stat_* views instead.",
    ),
    (
        "pg_stat_ pg_clear_ pg_restore_",
        "changes statistics of the server, and no rollback undoes it",
        "ANALYZE and statistics are the operator's.",
    ),
)


def reason_against(name: str) -> tuple[str, str | None]:
    """Why a function of pg_catalog is refused, and what to do instead: for the message only.

    >>> reason_against("pg_read_file")[0]
    'reads files of the server'
    """
    for beginnings, reason, hint in _REASONS:
        if name.startswith(tuple(beginnings.split())):
            return reason, hint
    return UNLISTED, "Check its name: a function of your own must be in a schema of the search_path."
