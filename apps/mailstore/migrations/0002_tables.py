"""What the ORM cannot say of the hot tables.

SQLite: Entry and Expunged are WITHOUT ROWID, so a mailbox lies together in the order of UIDs and a look-up by
(mailbox, uid) is one descent instead of two (STORE of 10,000 flags: 218 -> 33 ms). A later migration that
alters a column of them must call `without_rowid` again: Django remakes the table.

Postgres: room for updates within the page (fillfactor), and vacuum long before a fifth of a big table is dead.
"""

from django.db import migrations

WITHOUT_ROWID = ("mailstore_entry", "mailstore_expunged")
OFTEN_UPDATED = ("mailstore_entry", "mailstore_mailboxstate", "mailstore_usage")
OFTEN_VACUUMED = (*OFTEN_UPDATED, "mailstore_expunged")


def without_rowid(schema_editor, table):
    """Remake a table of SQLite by its own definition, with its rows and indexes."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        definition = cursor.fetchone()[0]
        if definition.upper().endswith("WITHOUT ROWID"):
            return
        cursor.execute(
            "SELECT sql FROM sqlite_master"
            " WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL",
            [table],
        )
        indexes = [row[0] for row in cursor.fetchall()]
        made = definition.replace(f'"{table}"', f'"{table}__new"', 1) + " WITHOUT ROWID"
        cursor.execute(made)
        cursor.execute(f'INSERT INTO "{table}__new" SELECT * FROM "{table}"')
        cursor.execute(f'DROP TABLE "{table}"')
        cursor.execute(f'ALTER TABLE "{table}__new" RENAME TO "{table}"')
        for index in indexes:
            cursor.execute(index)


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for table in WITHOUT_ROWID:
            without_rowid(schema_editor, table)
    elif schema_editor.connection.vendor == "postgresql":
        for table in OFTEN_UPDATED:
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")
        for table in OFTEN_VACUUMED:
            schema_editor.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02,"
                " autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.05,"
                " autovacuum_analyze_scale_factor = 0.05)"
            )


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
