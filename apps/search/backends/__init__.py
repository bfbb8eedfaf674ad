"""What a search index may be made of."""

from functools import cache
from pathlib import Path

from django.db import connection

from apps.runtime.db import is_sqlite
from apps.search.backends.contract import Backend


def index() -> Backend:
    """The index of this installation: beside its SQLite file, or in its Postgres."""
    if is_sqlite():
        return _beside(str(connection.settings_dict["NAME"]))
    return _inside()


@cache
def _beside(database: str) -> Backend:
    from apps.search.backends.fts5 import Fts5Index

    return Fts5Index(Path(f"{database}-search"))


@cache
def _inside() -> Backend:
    from apps.search.backends.postgres import PostgresIndex

    return PostgresIndex()
