from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="StsPolicy",
                    fields=[
                        (
                            "domain",
                            models.CharField(max_length=253, primary_key=True, serialize=False),
                        ),
                        ("policy_id", models.CharField(max_length=32)),
                        ("mode", models.CharField(max_length=8)),
                        ("patterns", models.TextField(default="[]")),
                        ("text", models.TextField(default="")),
                        ("fetched_at", models.BigIntegerField()),
                        ("expires_at", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="TlsOverride",
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
                        ("domain", models.CharField(max_length=254, unique=True)),
                        (
                            "mode",
                            models.CharField(
                                choices=[
                                    ("none", "None"),
                                    ("opportunistic", "Opportunistic"),
                                    ("encrypt", "Encrypt"),
                                    ("verify", "Verify"),
                                    ("dane", "Dane"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("names", models.TextField(default="[]")),
                        ("created_at", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="TlsResult",
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
                        ("day", models.IntegerField()),
                        ("domain", models.CharField(max_length=253)),
                        ("policy_type", models.CharField(max_length=16)),
                        ("policy", models.TextField(default="[]")),
                        ("mx_patterns", models.TextField(default="[]")),
                        ("result", models.CharField(max_length=40)),
                        ("mx_host", models.CharField(default="", max_length=253)),
                        ("sending_address", models.CharField(default="", max_length=45)),
                        ("receiving_address", models.CharField(default="", max_length=45)),
                        ("reason", models.CharField(default="", max_length=300)),
                        ("sessions", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=(
                                    "day",
                                    "domain",
                                    "policy_type",
                                    "result",
                                    "mx_host",
                                    "sending_address",
                                    "receiving_address",
                                ),
                                name="tls_result_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TlsReport",
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
                        ("day", models.IntegerField()),
                        ("domain", models.CharField(max_length=253)),
                        ("sent_at", models.BigIntegerField(default=0)),
                        ("outcome", models.CharField(default="", max_length=300)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("day", "domain"), name="tls_report_once"
                            )
                        ],
                    },
                ),
            ]
        ),
    ]
