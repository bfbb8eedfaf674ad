import django.db.models.deletion
import django.db.models.functions.text
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
                    name="Contact",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.CharField(max_length=255)),
                        ("name", models.CharField(max_length=200)),
                        ("parts", models.CharField(blank=True, default="", max_length=500)),
                        ("company", models.CharField(blank=True, default="", max_length=200)),
                        ("title", models.CharField(blank=True, default="", max_length=200)),
                        ("note", models.TextField(blank=True, default="")),
                        ("rest", models.TextField(blank=True, default="")),
                        ("folded", models.CharField(max_length=400)),
                        ("words", models.TextField()),
                        ("changed_at", models.BigIntegerField()),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="contacts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "folded", "id"], name="contact_by_name")
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "uid"), name="contact_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactEmail",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("place", models.PositiveSmallIntegerField()),
                        ("key", models.CharField(max_length=320)),
                        ("address", models.CharField(max_length=320)),
                        (
                            "kind",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Other"),
                                    ("home", "Home"),
                                    ("work", "Work"),
                                    ("mobile", "Mobile"),
                                ],
                                default="",
                                max_length=8,
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="emails",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "key"], name="contact_email_known")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("contact", "key"), name="contact_email_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactPhone",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("place", models.PositiveSmallIntegerField()),
                        ("number", models.CharField(max_length=60)),
                        (
                            "kind",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Other"),
                                    ("home", "Home"),
                                    ("work", "Work"),
                                    ("mobile", "Mobile"),
                                ],
                                default="",
                                max_length=8,
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="phones",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="ContactGroup",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("name", models.CharField(max_length=100)),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                models.F("user"),
                                django.db.models.functions.text.Lower("name"),
                                name="contact_group_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactMember",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        (
                            "contact",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="members",
                                to="contacts.contactgroup",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("group", "contact"), name="contact_member_once"
                            )
                        ],
                    },
                ),
            ]
        ),
        migrations.AddField(
            model_name="ContactGroup",
            name="contacts",
            field=models.ManyToManyField(
                related_name="groups", through="contacts.ContactMember", to="contacts.contact"
            ),
        ),
    ]
