"""The hot tables are laid out as the figures in the documentation were measured."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_it_lays_out_the_hot_tables() -> None:
    if connection.vendor == "sqlite":
        assert _without_rowid() >= {"mailstore_entry", "mailstore_expunged"}
        assert _indexes("mailstore_entry") >= {"entry_modseq", "entry_date"}
        assert _indexes("mailstore_expunged") >= {"expunged_modseq", "expunged_age"}
    else:
        for table in ("mailstore_entry", "mailstore_mailboxstate", "mailstore_usage"):
            options = _options(table)
            assert options["fillfactor"] == "80"
            assert float(options["autovacuum_vacuum_scale_factor"]) <= 0.05
        assert "autovacuum_vacuum_scale_factor" in _options("mailstore_expunged")


def test_it_stores_compressed_bytes_as_they_are() -> None:
    if connection.vendor == "postgresql":
        sql = (
            "SELECT attstorage::text FROM pg_attribute"
            " WHERE attrelid = 'blobs_blob'::regclass AND attname = 'inline'"
        )
        expected = "e"  # external: out of line, without a second compression
    else:
        sql = "SELECT type FROM pragma_table_info('blobs_blob') WHERE name = 'inline'"
        expected = "BLOB"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetchone()[0] == expected


def _without_rowid() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        return {name for name, sql in cursor.fetchall() if sql.endswith("WITHOUT ROWID")}


def _indexes(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = %s", [table]
        )
        return {row[0] for row in cursor.fetchall()}


def _options(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
        return dict(option.split("=") for option in cursor.fetchone()[0])
