"""What is in the demo's production database, and how does it get there?

The shop's tables, data, keys and roles are the four ``shop_*.sql`` files beside this one, run by
:func:`fill_shop` on an empty primary. The rows are the same every time for the same number of
customers: everything is a hash of a row's number.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import psycopg

from devinprod_proxy.demo.cluster import Cluster

#: The proxy's own login and the service's.
PROXY_ROLE = "devinprod"
SERVICE_ROLE = "shop_service"
LOGINS = (PROXY_ROLE, SERVICE_ROLE)

DEFAULT_CUSTOMERS = 10_000
#: Fewer, and the parts of the story that hang on old orders are not there.
FEWEST_CUSTOMERS = 200


def fill_shop(connection: psycopg.Connection[Any], customers: int = DEFAULT_CUSTOMERS) -> None:
    """Make the shop's tables and rows in an empty database, as a superuser.

    Six orders a customer. Takes about 0.3 ms a customer. Raises ValueError below
    :data:`FEWEST_CUSTOMERS`.
    """
    if customers < FEWEST_CUSTOMERS:
        raise ValueError(f"the shop needs at least {FEWEST_CUSTOMERS} customers")
    connection.execute("CREATE ROLE shop_owner NOLOGIN")
    connection.execute("ALTER SCHEMA public OWNER TO shop_owner")
    database = connection.info.dbname
    connection.execute(f'ALTER DATABASE "{database}" OWNER TO shop_owner'.encode())
    connection.execute("SELECT set_config('shop.customers', %s, true)", (str(customers),))
    connection.execute("SET LOCAL ROLE shop_owner")
    # Sorting and hashing 100,000 rows in memory; only for this transaction.
    connection.execute("SET LOCAL work_mem = '64MB'")
    connection.execute("SET LOCAL maintenance_work_mem = '128MB'")
    for part in ("shop_tables.sql", "shop_data.sql", "shop_constraints.sql"):
        connection.execute(_text(part))
    connection.execute("RESET ROLE")
    connection.execute(_text("shop_roles.sql"))
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")


def shop_cluster(
    customers: int = DEFAULT_CUSTOMERS,
    *,
    after: Callable[[psycopg.Connection[Any]], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Cluster:
    """A cluster that holds the shop; not yet started.

    *after* gets the primary's connection when the shop is in it, before the replica is made.
    """

    def fill(connection: psycopg.Connection[Any]) -> None:
        fill_shop(connection, customers)
        if after is not None:
            after(connection)

    return Cluster(fill, logins=LOGINS, progress=progress)


def _text(name: str) -> bytes:
    return files("devinprod_proxy.demo").joinpath(name).read_bytes()
