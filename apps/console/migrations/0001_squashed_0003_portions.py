"""Acts on many that can be taken back, and tables that are read in."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    replaces = [
        ("console", "0001_bulkacts"),
        ("console", "0002_imports"),
        ("console", "0003_portions"),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="BulkAct",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("what", models.CharField(max_length=40)),
                        ("before", models.JSONField()),
                        ("done_at", models.DateTimeField()),
                        ("undone_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("run", models.UUIDField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["done_at"], name="console_bulkact_done")],
                    },
                ),
                migrations.CreateModel(
                    name="Import",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("users", "Users"),
                                    ("aliases", "Aliases and groups"),
                                    ("domains", "Domains"),
                                ],
                                max_length=8,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("reading", "Reading"),
                                    ("ready", "Ready"),
                                    ("running", "Running"),
                                    ("done", "Done"),
                                    ("cancelled", "Cancelled"),
                                    ("stopped", "Stopped"),
                                    ("taking_back", "Taking Back"),
                                    ("taken_back", "Taken Back"),
                                ],
                                default="reading",
                                max_length=12,
                            ),
                        ),
                        ("file_name", models.CharField(blank=True, default="", max_length=200)),
                        ("notes", models.JSONField(default=list)),
                        ("columns", models.JSONField(default=list)),
                        ("must_change", models.BooleanField(default=True)),
                        ("good", models.PositiveIntegerField(default=0)),
                        ("wrong", models.PositiveIntegerField(default=0)),
                        ("there", models.PositiveIntegerField(default=0)),
                        ("added", models.PositiveIntegerField(default=0)),
                        ("failed", models.PositiveIntegerField(default=0)),
                        ("removed", models.PositiveIntegerField(default=0)),
                        ("kept", models.PositiveIntegerField(default=0)),
                        ("address", models.CharField(blank=True, default="", max_length=45)),
                        ("made_at", models.DateTimeField()),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("open_until", models.DateTimeField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("lease_token", models.UUIDField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "-made_at"], name="console_import_mine"),
                            models.Index(
                                condition=models.Q(("state__in", ["running", "taking_back"])),
                                fields=["lease_until"],
                                name="console_import_due",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ImportLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("good", "Good"),
                                    ("wrong", "Wrong"),
                                    ("there", "There"),
                                    ("added", "Added"),
                                    ("failed", "Failed"),
                                    ("removed", "Removed"),
                                    ("kept", "Kept"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("cells", models.JSONField()),
                        ("column", models.CharField(blank=True, default="", max_length=60)),
                        ("reason", models.CharField(blank=True, default="", max_length=400)),
                        ("secret", models.BinaryField(blank=True, null=True)),
                        ("made_id", models.BigIntegerField(blank=True, null=True)),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="lines",
                                to="console.import",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["job", "state", "number"], name="console_importline_state"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("job", "number"), name="console_importline_once"
                            )
                        ],
                    },
                ),
            ]
        ),
    ]
