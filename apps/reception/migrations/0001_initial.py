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
                    name="Greylisted",
                    fields=[
                        ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("origin", models.CharField(max_length=253)),
                        ("sender", models.CharField(max_length=320)),
                        ("recipient", models.CharField(max_length=320)),
                        ("first_at", models.BigIntegerField()),
                        ("last_at", models.BigIntegerField()),
                        ("attempts", models.PositiveIntegerField(default=1)),
                        ("passed_at", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("passed_at", 0)),
                                fields=["origin"],
                                name="greylisted_waiting",
                            ),
                            models.Index(fields=["last_at"], name="greylisted_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Acquaintance",
                    fields=[
                        ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("name", models.CharField(max_length=310)),
                        ("first_day", models.IntegerField()),
                        ("last_day", models.IntegerField()),
                        ("days", models.PositiveIntegerField(default=1)),
                        ("messages", models.PositiveBigIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["last_day"], name="acquaintance_age")],
                    },
                ),
                migrations.CreateModel(
                    name="Correspondent",
                    fields=[
                        ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("address", models.CharField(max_length=320)),
                        ("last_at", models.BigIntegerField()),
                        ("messages", models.PositiveIntegerField(default=1)),
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
                            models.Index(fields=["user", "last_at"], name="correspondent_newest"),
                            models.Index(fields=["last_at"], name="correspondent_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Refused",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("trace_id", models.UUIDField()),
                        ("at", models.BigIntegerField()),
                        ("reason", models.CharField(max_length=40)),
                        ("words", models.CharField(max_length=500)),
                        ("reply", models.CharField(max_length=500)),
                        ("client", models.CharField(max_length=45)),
                        ("helo", models.CharField(max_length=255)),
                        ("sender", models.CharField(max_length=320)),
                        ("author", models.CharField(max_length=320)),
                        ("subject", models.CharField(max_length=300)),
                        ("header", models.TextField()),
                        ("size", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["at"], name="refused_age")],
                    },
                ),
                migrations.CreateModel(
                    name="RefusedFor",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("address", models.CharField(max_length=320)),
                        ("at", models.BigIntegerField()),
                        ("others", models.PositiveIntegerField(default=0)),
                        (
                            "refused",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="users",
                                to="reception.refused",
                            ),
                        ),
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
                        "indexes": [models.Index(fields=["user", "id"], name="refused_for_newest")],
                    },
                ),
            ]
        ),
    ]
