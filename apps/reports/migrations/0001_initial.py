import django.db.models.deletion
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("blobs", "0001_squashed_0002_tables"),
        ("directory", "0001_squashed_0012_domain_digest"),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="DmarcDay",
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
                        ("family", models.CharField(max_length=253)),
                        ("record", models.CharField(max_length=2000)),
                        ("kinds", models.PositiveIntegerField(default=0)),
                        ("left_out", models.BigIntegerField(default=0)),
                        ("sent_at", models.BigIntegerField(default=0)),
                        ("outcome", models.CharField(default="", max_length=500)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["day", "family"], name="dmarc_day_family")
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("day", "domain"), name="dmarc_day_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DmarcCount",
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
                        ("key", models.CharField(max_length=32)),
                        ("address", models.CharField(max_length=45)),
                        ("disposition", models.CharField(max_length=10)),
                        ("dkim", models.BooleanField()),
                        ("spf", models.BooleanField()),
                        ("override", models.CharField(default="", max_length=20)),
                        ("comment", models.CharField(default="", max_length=200)),
                        ("header_from", models.CharField(max_length=253)),
                        ("envelope_from", models.CharField(default="", max_length=253)),
                        ("results", models.TextField(default="{}")),
                        ("messages", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("day", "domain", "key"), name="dmarc_count_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Arrival",
                    fields=[
                        ("trace_id", models.UUIDField(primary_key=True, serialize=False)),
                        ("readers", models.TextField()),
                        ("sender", models.CharField(default="", max_length=253)),
                        ("is_genuine", models.BooleanField(default=False)),
                        ("at", models.BigIntegerField()),
                        ("lease_until", models.BigIntegerField(default=0)),
                        ("tries", models.PositiveSmallIntegerField(default=0)),
                        (
                            "blob",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="blobs.blob",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["lease_until", "at"], name="arrival_due")],
                    },
                ),
                migrations.CreateModel(
                    name="ReceivedReport",
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
                        (
                            "kind",
                            models.CharField(
                                choices=[("dmarc", "Dmarc"), ("tls", "Tls")], max_length=5
                            ),
                        ),
                        ("about", models.CharField(max_length=253)),
                        ("sender", models.CharField(max_length=253)),
                        ("is_genuine", models.BooleanField(default=False)),
                        ("reporter", models.CharField(max_length=200)),
                        ("contact", models.CharField(default="", max_length=320)),
                        ("report_id", models.CharField(max_length=255)),
                        ("begin", models.BigIntegerField()),
                        ("end", models.BigIntegerField()),
                        ("policy", models.TextField(default="{}")),
                        ("passed", models.BigIntegerField(default=0)),
                        ("failed", models.BigIntegerField(default=0)),
                        ("left_out", models.PositiveIntegerField(default=0)),
                        ("remarks", models.CharField(default="", max_length=1000)),
                        ("received_at", models.BigIntegerField()),
                        ("trace_id", models.UUIDField()),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, to="directory.domain"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["received_at"], name="received_report_age"),
                            models.Index(
                                fields=["domain", "received_at"], name="received_report_domain"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("about", "kind", "sender", "is_genuine", "report_id"),
                                name="received_report_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReceivedDmarc",
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
                        ("address", models.CharField(max_length=45)),
                        ("messages", models.BigIntegerField()),
                        ("disposition", models.CharField(max_length=10)),
                        ("dkim", models.BooleanField()),
                        ("spf", models.BooleanField()),
                        ("reasons", models.CharField(default="", max_length=300)),
                        ("header_from", models.CharField(default="", max_length=253)),
                        ("envelope_from", models.CharField(default="", max_length=253)),
                        ("envelope_to", models.CharField(default="", max_length=253)),
                        ("results", models.TextField(default="{}")),
                        (
                            "report",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="dmarc_rows",
                                to="reports.receivedreport",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="ReceivedTls",
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
                        ("policy_type", models.CharField(max_length=20)),
                        ("result", models.CharField(default="", max_length=60)),
                        ("sending_address", models.CharField(default="", max_length=45)),
                        ("mx_host", models.CharField(default="", max_length=253)),
                        ("receiving_address", models.CharField(default="", max_length=45)),
                        ("reason", models.CharField(default="", max_length=300)),
                        ("sessions", models.BigIntegerField()),
                        (
                            "report",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tls_rows",
                                to="reports.receivedreport",
                            ),
                        ),
                    ],
                ),
            ]
        ),
    ]
