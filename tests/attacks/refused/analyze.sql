-- reltuples and relpages are written in place: no rollback undoes them.
ANALYZE products
