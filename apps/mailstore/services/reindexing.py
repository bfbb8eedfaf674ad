"""Makes an index of the database anew from its table."""

from django.db import connection

from apps.runtime.rows import fetch


def rebuild(name: str) -> str:
    """Make an index of SQLite anew; says so.

    Raises:
        IntegrityError: two rows have the same key.
    """
    if not fetch("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s", [name]):
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"REINDEX {connection.ops.quote_name(name)}")
    return "made anew from its table"
