"""Which kinds of statements are there, and which can never run in a session?"""

from __future__ import annotations

from collections.abc import Mapping

from devinprod_proxy.policy.wordlists import read, sections

_LISTS = sections(read("statements.txt"))
OPAQUE = _LISTS["opaque"]
KNOWN = _LISTS["allowed"] | _LISTS["schema"] | OPAQUE

NEVER: Mapping[str, tuple[str, str | None]] = {
    "alter_system_stmt": ("ALTER SYSTEM changes the server for everybody", "SET changes a setting for you."),
    "vacuum_stmt": ("VACUUM cannot run inside a transaction", None),
    "createdb_stmt": ("databases are outside of what a rollback undoes", None),
    "dropdb_stmt": ("databases are outside of what a rollback undoes", None),
    "alter_database_stmt": ("databases are outside of what a rollback undoes", None),
    "alter_database_set_stmt": ("this would change settings for everybody", "SET changes a setting for you."),
    "alter_database_refresh_coll_stmt": ("databases are outside of what a rollback undoes", None),
    "create_table_space_stmt": ("tablespaces are outside of what a rollback undoes", None),
    "drop_table_space_stmt": ("tablespaces are outside of what a rollback undoes", None),
    "alter_table_move_all_stmt": ("tablespaces belong to the whole server", None),
    "alter_table_space_options_stmt": ("tablespaces belong to the whole server", None),
    "check_point_stmt": ("CHECKPOINT concerns the whole server", None),
    "load_stmt": ("LOAD runs code inside the server", None),
    "create_plang_stmt": ("languages run code inside the server", None),
    "create_role_stmt": ("roles belong to the whole server", None),
    "alter_role_stmt": ("roles belong to the whole server", None),
    "alter_role_set_stmt": ("roles belong to the whole server", "SET changes a setting for you."),
    "drop_role_stmt": ("roles belong to the whole server", None),
    "grant_role_stmt": ("roles belong to the whole server", None),
    "drop_owned_stmt": ("it reaches everything that a role owns", "Drop the objects by name."),
    "reassign_owned_stmt": ("it reaches everything that a role owns", None),
    "alter_default_privileges_stmt": ("privileges are part of what keeps values masked", None),
    "create_extension_stmt": ("extensions bring functions that devinprod has not judged", None),
    "alter_extension_stmt": ("extensions bring functions that devinprod has not judged", None),
    "alter_extension_contents_stmt": ("extensions bring functions that devinprod has not judged", None),
    "create_fdw_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "alter_fdw_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "create_foreign_server_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "alter_foreign_server_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "create_foreign_table_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "create_user_mapping_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "alter_user_mapping_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "drop_user_mapping_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "import_foreign_schema_stmt": ("foreign data reaches other servers, where nothing is rolled back", None),
    "create_publication_stmt": ("publications steer replication", None),
    "alter_publication_stmt": ("publications steer replication", None),
    "create_subscription_stmt": ("subscriptions connect to other servers", None),
    "alter_subscription_stmt": ("subscriptions connect to other servers", None),
    "drop_subscription_stmt": ("subscriptions connect to other servers", None),
    "create_event_trig_stmt": ("event triggers run on everybody's statements", None),
    "alter_event_trig_stmt": ("event triggers run on everybody's statements", None),
    "create_am_stmt": ("access methods run code inside the server", None),
    "sec_label_stmt": ("security labels are part of what keeps values masked", None),
    "alter_tsdictionary_stmt": ("text search dictionaries read files of the server", None),
    "alter_tsconfiguration_stmt": ("text search configurations are shared", None),
}
"""Why, and what to do instead. Only for the message: a kind that stands in no list is refused too."""
