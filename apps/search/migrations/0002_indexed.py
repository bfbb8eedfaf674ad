"""The search index on Postgres: a table of its own kind there (`backends.postgres` makes it, and
makes it again after a restore); nothing on SQLite."""

from django.db import migrations, models

COLUMNS = ("sender", "to", "cc", "bcc", "subject", "header", "body", "filename")


def forwards(apps, schema_editor):
    from apps.search.backends.postgres import make

    if schema_editor.connection.vendor == "postgresql":
        make()


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TABLE IF EXISTS search_indexed")


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, backwards)],
            state_operations=[
                migrations.CreateModel(
                    name="Indexed",
                    fields=[
                        ("owner_id", models.BigIntegerField()),
                        ("message_id", models.BigIntegerField()),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "owner_id",
                                "message_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("is_apart", models.BooleanField()),
                        *((name, models.TextField()) for name in COLUMNS),
                    ],
                )
            ],
        )
    ]
