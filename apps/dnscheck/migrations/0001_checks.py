import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("directory", "0001_squashed_0012_domain_digest"),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="DomainCheck",
                    fields=[
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="dns_check",
                                serialize=False,
                                to="directory.domain",
                            ),
                        ),
                        ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("requested_at", models.DateTimeField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("checked_at", models.DateTimeField(blank=True, null=True)),
                        ("trouble_since", models.DateTimeField(blank=True, null=True)),
                        ("host", models.CharField(blank=True, default="", max_length=253)),
                        ("trouble", models.CharField(blank=True, default="", max_length=500)),
                        ("findings", models.JSONField(default=dict)),
                        ("standings", models.JSONField(default=dict)),
                        ("left", models.JSONField(default=list)),
                        ("is_elsewhere", models.BooleanField(default=False)),
                        ("is_alarming", models.BooleanField(default=False)),
                        ("told_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["due_at"], name="dns_check_due"),
                            models.Index(
                                condition=models.Q(("is_alarming", True)),
                                fields=["domain"],
                                name="dns_check_alarming",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="HostAddress",
                    fields=[
                        (
                            "address",
                            models.CharField(max_length=45, primary_key=True, serialize=False),
                        ),
                        ("host", models.CharField(max_length=253)),
                        ("seen_at", models.DateTimeField()),
                    ],
                ),
            ]
        ),
    ]
