"""Which columns do the catalogs that may be read have?  Rewrites policy/catalogs.txt.

    python tests/proxy/policy/list_catalog_columns.py DSN [DSN ...]

Keeps each relation of the file and each ``-column`` (shown as NULL) as a person decided them, and
adds the columns that the servers given have. A column that is in no list is NULL as well, so a new
major version shows too little until somebody has looked.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import psycopg

TARGET = Path(__file__).parents[3] / "proxy/devinprod_proxy/policy/catalogs.txt"
COLUMNS = """
SELECT attname FROM pg_catalog.pg_attribute
 WHERE attrelid = pg_catalog.to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def rewritten(text: str, dsns: list[str]) -> str:
    """The file's text with the columns of the servers filled in."""
    lines: list[str] = []
    for block in text.split("\n\n"):
        kept = [line for line in block.splitlines() if line.startswith("#")]
        words = " ".join(line for line in block.splitlines() if not line.startswith("#")).split()
        if not words:
            lines.append("\n".join(kept))
            continue
        relation, columns = words[0].rstrip(":"), words[1:]
        hidden = {word for word in columns if word.startswith("-")}
        for dsn in dsns:
            with psycopg.connect(dsn) as connection:
                for (column,) in connection.execute(COLUMNS, (relation,)):
                    if column not in columns and f"-{column}" not in hidden:
                        columns.append(column)
        body = textwrap.wrap(
            f"{relation}: {' '.join(columns)}", 108, subsequent_indent="  ",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
        lines.append("\n".join([*kept, *body]))
    return "\n\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    TARGET.write_text(rewritten(TARGET.read_text(), sys.argv[1:]))
