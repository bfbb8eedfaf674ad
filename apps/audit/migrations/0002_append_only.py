"""Records are added and never changed; those of the last 30 days cannot go (apps/audit/guard.py).

A later migration that alters the table on SQLite must put the guard again: Django remakes the table, and triggers
go with the old one.
"""

from django.db import migrations

from apps.audit import guard


def forwards(apps, schema_editor):
    guard.lift(schema_editor.connection)
    guard.put(schema_editor.connection)


def backwards(apps, schema_editor):
    guard.lift(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
