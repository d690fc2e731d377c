"""The PostgreSQL server of `postgres_server` for the tests of loaders."""

from postgres_server import database, server  # noqa: F401  (fixtures)
