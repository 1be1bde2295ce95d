"""WHAT THE BYTES MEAN: PostgreSQL's frontend/backend protocol 3.0 and 3.2, sans-io.

Imports nothing of ours but errors, and no socket: it could be a library of its own.
"""
