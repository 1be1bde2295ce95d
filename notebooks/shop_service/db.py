"""The database: one engine with a pool for the whole process.

Where it is, stands in SHOP_DATABASE_URL (postgresql://...) or else in libpq's own variables
(PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSERVICE ...).
"""

from __future__ import annotations

import os

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.orm import sessionmaker


def database_url() -> URL:
    """The address to connect to; an empty one lets libpq look at its variables."""
    url = make_url(os.environ.get("SHOP_DATABASE_URL") or "postgresql://")
    return url.set(drivername="postgresql+psycopg")


engine = create_engine(
    database_url(),
    pool_size=5,
    max_overflow=5,
    pool_pre_ping=True,
    pool_recycle=1800,
    connect_args={"application_name": "shop_service"},
)

Session = sessionmaker(engine, expire_on_commit=False)
