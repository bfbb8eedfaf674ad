"""What users teach the statistical filter.

SQLite: Token is WITHOUT ROWID, so that the tokens of an owner lie together and a look-up is one descent. Postgres:
vacuum long before a fifth of a big table is dead; counts change all the time.
"""

from importlib import import_module

from django.db import migrations, models

without_rowid = import_module("apps.mailstore.migrations.0002_tables").without_rowid


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        without_rowid(schema_editor, "scan_token")
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE scan_token SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.05)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("scan", "0002_quarantine"),
    ]

    operations = [
        migrations.CreateModel(
            name="Taught",
            fields=[
                ("owner", models.BigIntegerField(primary_key=True, serialize=False)),
                ("spam", models.IntegerField(default=0)),
                ("ham", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "owner", "token", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner", models.BigIntegerField()),
                ("token", models.IntegerField()),
                ("spam", models.IntegerField(default=0)),
                ("ham", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Lesson",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("owner", models.BigIntegerField()),
                ("organization", models.BigIntegerField(default=0)),
                ("message", models.BigIntegerField()),
                ("is_spam", models.BooleanField()),
                ("at", models.BigIntegerField()),
                ("tokens", models.BinaryField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["owner", "is_spam", "at"], name="lesson_age"),
                    models.Index(
                        condition=models.Q(("organization", 0), _negated=True),
                        fields=["organization", "is_spam", "at"],
                        name="lesson_shared_age",
                    ),
                    models.Index(fields=["at"], name="lesson_oldest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "message"), name="lesson_once")
                ],
            },
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
