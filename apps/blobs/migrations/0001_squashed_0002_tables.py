"""What is kept, each content once.

Postgres need not try to compress what zstd has compressed: bytes out of line, as they are.
"""

import apps.runtime.ulid
from django.db import migrations, models

from apps.runtime.tables import MakeTables


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE blobs_blob ALTER COLUMN inline SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    replaces = [
        ("blobs", "0001_initial"),
        ("blobs", "0002_tables"),
    ]

    initial = True

    dependencies = []

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="Blob",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=apps.runtime.ulid.new_ulid,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("sha256", models.BinaryField(max_length=32)),
                        ("size", models.BigIntegerField()),
                        (
                            "codec",
                            models.PositiveSmallIntegerField(
                                choices=[(0, "Raw"), (1, "Zstd"), (2, "Frames")], default=0
                            ),
                        ),
                        ("inline", models.BinaryField(null=True)),
                        ("frames", models.BinaryField(default=b"")),
                        ("key", models.CharField(blank=True, default="", max_length=100)),
                        ("created_at", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Hold",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=apps.runtime.ulid.new_ulid,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("reason", models.CharField(max_length=100)),
                        ("until", models.BigIntegerField()),
                    ],
                ),
            ]
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
