import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="Vacation",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="vacation",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("is_on", models.BooleanField(default=False)),
                        ("starts_at", models.BigIntegerField(default=0)),
                        ("ends_at", models.BigIntegerField(default=0)),
                        ("subject", models.CharField(blank=True, default="", max_length=200)),
                        ("text", models.TextField(blank=True, default="")),
                        (
                            "audience",
                            models.CharField(
                                choices=[
                                    ("everyone", "Everyone"),
                                    ("contacts", "Contacts"),
                                    ("split", "Split"),
                                ],
                                default="everyone",
                                max_length=10,
                            ),
                        ),
                        ("outside_text", models.TextField(blank=True, default="")),
                        ("days", models.PositiveSmallIntegerField(default=7)),
                        ("edition", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ends_at", 0),
                                    ("ends_at__gt", models.F("starts_at")),
                                    _connector="OR",
                                ),
                                name="vacation_ends_after_it_starts",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="VacationSent",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("sender", models.CharField(max_length=320)),
                        ("edition", models.PositiveIntegerField()),
                        ("at", models.BigIntegerField()),
                        ("until", models.BigIntegerField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "at"], name="vacation_sent_lately"),
                            models.Index(fields=["until"], name="vacation_sent_over"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "sender"), name="vacation_sent_once"
                            )
                        ],
                    },
                ),
            ]
        ),
    ]
