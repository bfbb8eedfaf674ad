"""What was thought of mail, what is kept from users for it, and what they teach the statistical filter.

SQLite: Token is WITHOUT ROWID, so that the tokens of an owner lie together and a look-up is one descent. Postgres:
vacuum long before a fifth of a big table is dead; counts change all the time.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables, without_rowid


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        without_rowid(schema_editor, "scan_token")
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE scan_token SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.05)"
        )


class Migration(migrations.Migration):
    replaces = [
        ("scan", "0001_verdicts"),
        ("scan", "0002_quarantine"),
        ("scan", "0003_lessons"),
        ("scan", "0004_attachments"),
        ("scan", "0005_quarantine_lists"),
        ("scan", "0006_quarantine_indexes"),
    ]

    initial = True

    dependencies = [
        ("blobs", "0001_squashed_0002_tables"),
        ("directory", "0001_squashed_0012_domain_digest"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="AttachmentPolicy",
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
                        ("what", models.CharField(max_length=9)),
                        ("value", models.CharField(max_length=100)),
                        ("action", models.CharField(max_length=10)),
                        (
                            "domain",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="directory.domain",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("domain", "what", "value"),
                                name="attachment_policy_of_domain",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("domain__isnull", True)),
                                fields=("what", "value"),
                                name="attachment_policy_of_server",
                            ),
                        ],
                    },
                ),
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
                                "owner",
                                "token",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
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
                migrations.CreateModel(
                    name="ListEntry",
                    fields=[
                        ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                        (
                            "verb",
                            models.CharField(
                                choices=[("allow", "Allow"), ("block", "Block")], max_length=5
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("address", "Address"),
                                    ("domain", "Domain"),
                                    ("network", "Network"),
                                ],
                                max_length=7,
                            ),
                        ),
                        ("value", models.CharField(max_length=320)),
                        ("bits", models.PositiveSmallIntegerField(default=0)),
                        ("note", models.CharField(blank=True, default="", max_length=200)),
                        ("created_at", models.BigIntegerField()),
                        (
                            "domain",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="directory.domain",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["bits"], name="listentry_bits")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("domain__isnull", True),
                                    ("user__isnull", True),
                                    _connector="OR",
                                ),
                                name="listentry_one_scope",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Threshold",
                    fields=[
                        (
                            "scope",
                            models.CharField(max_length=30, primary_key=True, serialize=False),
                        ),
                        ("junk", models.FloatField(null=True)),
                        ("refuse", models.FloatField(null=True)),
                        ("hold", models.FloatField(null=True)),
                        ("is_off", models.BooleanField(null=True)),
                        (
                            "domain",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="directory.domain",
                            ),
                        ),
                        (
                            "user",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("domain__isnull", True),
                                    ("user__isnull", True),
                                    _connector="OR",
                                ),
                                name="threshold_one_scope",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RulePoints",
                    fields=[
                        (
                            "rule",
                            models.CharField(max_length=80, primary_key=True, serialize=False),
                        ),
                        ("points", models.FloatField()),
                        ("is_most", models.BooleanField(default=False)),
                    ],
                ),
                migrations.CreateModel(
                    name="Quarantined",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("is_elsewhere", models.BooleanField(default=False)),
                        ("trace_id", models.UUIDField(db_index=True)),
                        ("queue_id", models.UUIDField()),
                        ("prefix", models.BinaryField(default=b"")),
                        ("cuts", models.TextField(default="[]")),
                        ("size", models.BigIntegerField()),
                        ("sender", models.CharField(max_length=320)),
                        ("address", models.CharField(max_length=320)),
                        ("original", models.CharField(max_length=320)),
                        ("domain", models.CharField(max_length=253)),
                        ("door", models.CharField(max_length=12)),
                        ("smtputf8", models.BooleanField(default=False)),
                        ("body", models.CharField(default="", max_length=12)),
                        ("requires_tls", models.BooleanField(default=False)),
                        ("received_at", models.BigIntegerField()),
                        ("author", models.CharField(default="", max_length=320)),
                        ("author_address", models.CharField(default="", max_length=320)),
                        ("subject", models.CharField(default="", max_length=300)),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("virus", "Virus"),
                                    ("harmful", "Harmful"),
                                    ("attachment", "Attachment"),
                                    ("phishing", "Phishing"),
                                    ("spam", "Spam"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("rule", models.CharField(default="", max_length=60)),
                        ("words", models.CharField(default="", max_length=500)),
                        ("points", models.FloatField(default=0.0)),
                        ("kept_at", models.BigIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("kept", "Kept"),
                                    ("released", "Released"),
                                    ("deleted", "Deleted"),
                                ],
                                default="kept",
                                max_length=8,
                            ),
                        ),
                        ("settled_at", models.BigIntegerField(default=0)),
                        ("settled_by", models.CharField(default="", max_length=40)),
                        ("is_told", models.BooleanField(default=False)),
                        (
                            "blob",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="blobs.blob",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("is_wanted", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "id"], name="quarantined_newest"),
                            models.Index(fields=["kept_at"], name="quarantined_age"),
                            models.Index(
                                condition=models.Q(("is_told", False), ("state", "kept")),
                                fields=["user"],
                                name="quarantined_untold",
                            ),
                            models.Index(fields=["state", "id"], name="quarantined_state"),
                            models.Index(
                                fields=["state", "reason", "id"], name="quarantined_reason"
                            ),
                            models.Index(
                                fields=["domain", "state", "id", "reason"],
                                name="quarantined_domain",
                            ),
                            models.Index(
                                fields=["author_address", "state"], name="quarantined_author"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Digest",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("every", models.CharField(default="", max_length=6)),
                        ("day", models.IntegerField(default=0)),
                        ("junk", models.BigIntegerField(default=0)),
                        ("junk_uid", models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="Notice",
                    fields=[
                        (
                            "key",
                            models.CharField(max_length=100, primary_key=True, serialize=False),
                        ),
                        ("until", models.BigIntegerField()),
                        ("count", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["until"], name="notice_until")],
                    },
                ),
                migrations.CreateModel(
                    name="Scanned",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("trace_id", models.UUIDField()),
                        ("message_id", models.CharField(max_length=500)),
                        ("source", models.UUIDField()),
                        ("at", models.BigIntegerField()),
                        ("points", models.FloatField()),
                        ("action", models.PositiveSmallIntegerField()),
                        ("engine", models.CharField(max_length=16)),
                        ("look_at", models.BigIntegerField()),
                        ("data", models.BinaryField()),
                        ("deeds", models.TextField(default="[]")),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["trace_id"], name="scanned_trace"),
                            models.Index(fields=["message_id"], name="scanned_message"),
                            models.Index(fields=["at"], name="scanned_time"),
                            models.Index(fields=["look_at"], name="scanned_age"),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
