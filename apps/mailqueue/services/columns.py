"""What the columns of the queue take and give: the database's clock, UUIDs, words."""

from typing import Any
from uuid import UUID

SECOND = 1_000_000  # all times are in microseconds

# The database's clock, in microseconds: workers on other machines may have another one.
NOW = {
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000000.0) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)",
}


def told(words: str) -> str:
    """Words as the columns take them: short, without what no text column of Postgres takes (an
    exception may quote anything)."""
    return words[:500].encode("utf-8", "replace").decode().replace("\0", "?")


def uuid_of(value: Any) -> UUID:
    """Postgres gives UUIDs, SQLite their 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)
