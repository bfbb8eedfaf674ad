"""What people like of the webmail, and what they write in it."""

import apps.runtime.ulid
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    replaces = [
        ("webmail", "0001_preferences"),
        ("webmail", "0002_writing"),
    ]

    initial = True

    dependencies = [
        ("blobs", "0001_squashed_0002_tables"),
        ("mailstore", "0001_squashed_0015_later"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="Preferences",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="preferences",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "layout",
                            models.CharField(
                                choices=[
                                    ("beside", "Beside"),
                                    ("below", "Below"),
                                    ("full", "Full"),
                                ],
                                default="beside",
                                max_length=8,
                            ),
                        ),
                        (
                            "density",
                            models.CharField(
                                choices=[("comfortable", "Comfortable"), ("compact", "Compact")],
                                default="comfortable",
                                max_length=12,
                            ),
                        ),
                        (
                            "theme",
                            models.CharField(
                                choices=[
                                    ("system", "System"),
                                    ("light", "Light"),
                                    ("dark", "Dark"),
                                ],
                                default="system",
                                max_length=8,
                            ),
                        ),
                        ("language", models.CharField(blank=True, default="", max_length=12)),
                        ("time_zone", models.CharField(blank=True, default="", max_length=64)),
                        ("has_conversations", models.BooleanField(default=True)),
                        ("has_shortcuts", models.BooleanField(default=True)),
                        ("marks_read", models.BooleanField(default=True)),
                        ("undo_seconds", models.PositiveSmallIntegerField(default=10)),
                        ("writes_plain", models.BooleanField(default=False)),
                    ],
                ),
                migrations.CreateModel(
                    name="Label",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("keyword", models.CharField(max_length=100)),
                        ("name", models.CharField(max_length=100)),
                        ("hue", models.PositiveSmallIntegerField(default=1)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="labels",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                models.F("user"),
                                django.db.models.functions.text.Lower("keyword"),
                                name="label_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="FolderLook",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("hue", models.PositiveSmallIntegerField()),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="mailstore.mailbox",
                            ),
                        ),
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
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "mailbox"), name="folder_look_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TrustedSender",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("key", models.CharField(max_length=320)),
                        ("at", models.BigIntegerField()),
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
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "key"), name="trusted_sender_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Identity",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("key", models.CharField(max_length=320)),
                        ("address", models.CharField(max_length=320)),
                        ("name", models.CharField(blank=True, default="", max_length=200)),
                        ("reply_to", models.CharField(blank=True, default="", max_length=320)),
                        ("signature_html", models.TextField(blank=True, default="")),
                        ("signature_text", models.TextField(blank=True, default="")),
                        ("is_above_quote", models.BooleanField(default=True)),
                        ("attaches_card", models.BooleanField(default=False)),
                        ("is_default", models.BooleanField(default=False)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="identities",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "key"), name="identity_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("is_default", True)),
                                fields=("user",),
                                name="identity_one_default",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Draft",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=apps.runtime.ulid.new_ulid,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("sent", "Sent"),
                                    ("scheduled", "Scheduled"),
                                    ("discarded", "Discarded"),
                                ],
                                default="open",
                                max_length=10,
                            ),
                        ),
                        ("revision", models.PositiveIntegerField(default=0)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("new", "New"),
                                    ("reply", "Reply"),
                                    ("reply_all", "Reply All"),
                                    ("forward", "Forward"),
                                    ("forward_attached", "Forward Attached"),
                                    ("again", "Again"),
                                ],
                                default="new",
                                max_length=16,
                            ),
                        ),
                        ("source_uid", models.BigIntegerField(null=True)),
                        ("uid", models.BigIntegerField(null=True)),
                        ("fields", models.TextField(default="{}")),
                        ("message_id", models.CharField(default="", max_length=998)),
                        ("in_reply_to", models.CharField(blank=True, default="", max_length=998)),
                        ("references", models.TextField(blank=True, default="")),
                        ("tail_made_of", models.CharField(default="", max_length=64)),
                        ("queue_id", models.UUIDField(null=True)),
                        ("hold_until", models.BigIntegerField(default=0)),
                        ("marks_source", models.BooleanField(default=False)),
                        ("created_at", models.BigIntegerField()),
                        ("saved_at", models.BigIntegerField()),
                        (
                            "mailbox",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "source_mailbox",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "tail",
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="drafts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "state", "saved_at"], name="draft_user"),
                            models.Index(fields=["mailbox", "uid"], name="draft_message"),
                            models.Index(
                                condition=models.Q(("state", "scheduled")),
                                fields=["hold_until"],
                                name="draft_scheduled",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DraftFile",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=apps.runtime.ulid.new_ulid,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("name", models.CharField(max_length=255)),
                        ("media_type", models.CharField(max_length=127)),
                        ("size", models.BigIntegerField()),
                        ("received", models.BigIntegerField(default=0)),
                        ("cid", models.CharField(blank=True, default="", max_length=200)),
                        ("carried", models.IntegerField(null=True)),
                        ("created_at", models.BigIntegerField()),
                        (
                            "draft",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="files",
                                to="webmail.draft",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("draft", "carried"), name="draft_file_carried_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DraftChunk",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("offset", models.BigIntegerField()),
                        (
                            "blob",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="blobs.blob",
                            ),
                        ),
                        (
                            "file",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="chunks",
                                to="webmail.draftfile",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("file", "offset"), name="draft_chunk_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Snooze",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.BigIntegerField()),
                        ("until", models.BigIntegerField(db_index=True)),
                        (
                            "back_to",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="mailstore.mailbox",
                            ),
                        ),
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
                        "constraints": [
                            models.UniqueConstraint(fields=("mailbox", "uid"), name="snooze_once")
                        ],
                    },
                ),
            ]
        ),
    ]
