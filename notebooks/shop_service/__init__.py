"""The shop "Kastanie": what runs behind its website.

`app` answers HTTP, `orders`, `pricing`, `refunds` and `customers` do the work, `models` says what
is in the database and `db` how to get there.
"""
