import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blobs", "0002_tables"),
        ("scan", "0001_verdicts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("until", models.BigIntegerField()),
                ("count", models.PositiveIntegerField(default=1)),
            ],
            options={
                "indexes": [models.Index(fields=["until"], name="notice_until")],
            },
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
                ],
            },
        ),
    ]
