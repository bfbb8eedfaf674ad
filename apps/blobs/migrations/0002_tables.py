"""Postgres need not try to compress what zstd has compressed: bytes out of line, as they are."""

from django.db import migrations


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE blobs_blob ALTER COLUMN inline SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    dependencies = [("blobs", "0001_initial")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
