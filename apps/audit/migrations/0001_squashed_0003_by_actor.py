"""What was done, by whom. Records are added and never changed; those of the last 30 days cannot go
(apps/audit/guard.py).

A later migration that alters the table on SQLite must put the guard again: Django remakes the table, and triggers
go with the old one.
"""

from django.db import migrations, models

from apps.audit import guard


def forwards(apps, schema_editor):
    guard.lift(schema_editor.connection)
    guard.put(schema_editor.connection)


def backwards(apps, schema_editor):
    guard.lift(schema_editor.connection)


class Migration(migrations.Migration):
    replaces = [
        ("audit", "0001_initial"),
        ("audit", "0002_append_only"),
        ("audit", "0003_by_actor"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor_kind", models.CharField(max_length=7)),
                ("actor_id", models.BigIntegerField(blank=True, null=True)),
                ("actor", models.CharField(max_length=320)),
                ("acting_for", models.CharField(blank=True, default="", max_length=320)),
                ("door", models.CharField(blank=True, default="", max_length=10)),
                ("address", models.CharField(blank=True, default="", max_length=45)),
                ("action", models.CharField(max_length=60)),
                ("subject", models.CharField(blank=True, default="", max_length=400)),
                ("organization_id", models.BigIntegerField(blank=True, null=True)),
                ("domain_id", models.BigIntegerField(blank=True, null=True)),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                ("detail", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["at"], name="audit_at"),
                    models.Index(fields=["organization_id", "id"], name="audit_organization"),
                    models.Index(fields=["domain_id", "id"], name="audit_domain"),
                    models.Index(fields=["user_id", "id"], name="audit_user"),
                    models.Index(fields=["actor_id", "id"], name="audit_actor"),
                ],
            },
        ),
        migrations.RunPython(forwards, backwards),
    ]
