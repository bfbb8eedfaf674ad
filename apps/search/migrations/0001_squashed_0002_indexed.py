"""What the search index knows of itself; on Postgres also the index, a table of its own kind there
(`backends.postgres` makes it, and makes it again after a restore).
"""

from django.db import migrations, models


def forwards(apps, schema_editor):
    from apps.search.backends.postgres import make

    if schema_editor.connection.vendor == "postgresql":
        make()


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TABLE IF EXISTS search_indexed")


class Migration(migrations.Migration):
    replaces = [
        ("search", "0001_initial"),
        ("search", "0002_indexed"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IndexState",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField()),
                ("number", models.BigIntegerField()),
                ("version", models.IntegerField()),
                ("below", models.BigIntegerField(null=True)),
            ],
        ),
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
                        ("sender", models.TextField()),
                        ("to", models.TextField()),
                        ("cc", models.TextField()),
                        ("bcc", models.TextField()),
                        ("subject", models.TextField()),
                        ("header", models.TextField()),
                        ("body", models.TextField()),
                        ("filename", models.TextField()),
                    ],
                ),
            ],
        ),
    ]
