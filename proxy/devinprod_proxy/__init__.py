"""What stands in front of production: a PostgreSQL proxy whose sessions can never commit."""

__version__ = "0.1.0"
