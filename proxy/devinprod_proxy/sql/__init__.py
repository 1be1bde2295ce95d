"""WHAT A STATEMENT SAYS, AND WHAT IT SAYS INSTEAD.

Pure: text and a catalog in, a :class:`~devinprod_proxy.sql.statement.Statement` or a refusal out.
"""
