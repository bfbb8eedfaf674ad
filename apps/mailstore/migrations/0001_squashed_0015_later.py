"""Mailboxes and what is in them.

SQLite: the hot tables are WITHOUT ROWID (apps/runtime/tables.py), so a mailbox lies together in the order of UIDs and
a look-up by (mailbox, uid) is one descent instead of two (STORE of 10,000 flags: 218 -> 33 ms). The columns of the
key of ThreadReference come first, for the integrity check of SQLite 3.40 takes those of such a table in the wrong
order otherwise. A later migration that alters a column of them must call `without_rowid` again: Django remakes the
table.

Postgres: room for updates within the page (fillfactor), and vacuum long before a fifth of a big table is dead.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables, without_rowid

WITHOUT_ROWID = ("mailstore_entry", "mailstore_expunged", "mailstore_threadreference")
OFTEN_UPDATED = ("mailstore_entry", "mailstore_mailboxstate", "mailstore_usage")
OFTEN_VACUUMED = (*OFTEN_UPDATED, "mailstore_expunged")


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for table in WITHOUT_ROWID:
            without_rowid(schema_editor, table)
    elif schema_editor.connection.vendor == "postgresql":
        for table in OFTEN_UPDATED:
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")
        for table in OFTEN_VACUUMED:
            schema_editor.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02,"
                " autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.05,"
                " autovacuum_analyze_scale_factor = 0.05)"
            )


class Migration(migrations.Migration):
    replaces = [
        ("mailstore", "0001_initial"),
        ("mailstore", "0002_tables"),
        ("mailstore", "0003_subscription"),
        ("mailstore", "0004_expunged_bytes"),
        ("mailstore", "0005_line_sizes"),
        ("mailstore", "0006_junk_marks"),
        ("mailstore", "0007_sharing_and_threads"),
        ("mailstore", "0008_unindexed"),
        ("mailstore", "0009_expunged_fate"),
        ("mailstore", "0010_set_aside"),
        ("mailstore", "0011_message_attached"),
        ("mailstore", "0012_quota_notices"),
        ("mailstore", "0013_conversations"),
        ("mailstore", "0014_places"),
        ("mailstore", "0015_later"),
    ]

    initial = True

    dependencies = [
        ("blobs", "0001_squashed_0002_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="Counter",
                    fields=[
                        (
                            "name",
                            models.CharField(max_length=30, primary_key=True, serialize=False),
                        ),
                        ("value", models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="Mailbox",
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
                        ("name", models.CharField(max_length=1000)),
                        (
                            "special_use",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "None"),
                                    ("inbox", "Inbox"),
                                    ("drafts", "Drafts"),
                                    ("sent", "Sent"),
                                    ("archive", "Archive"),
                                    ("junk", "Junk"),
                                    ("trash", "Trash"),
                                    ("scheduled", "Scheduled"),
                                    ("snoozed", "Snoozed"),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        ("uidvalidity", models.BigIntegerField()),
                        ("created_at", models.BigIntegerField()),
                        ("deleted_at", models.BigIntegerField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mailboxes",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("deleted_at__isnull", True)),
                                fields=("user", "name"),
                                name="mailbox_name_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("deleted_at__isnull", True),
                                    models.Q(("special_use", ""), _negated=True),
                                ),
                                fields=("user", "special_use"),
                                name="mailbox_use_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Subscription",
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
                        ("name", models.CharField(max_length=1000)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="subscriptions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "name"), name="subscription_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MailboxState",
                    fields=[
                        (
                            "mailbox",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="counters",
                                serialize=False,
                                to="mailstore.mailbox",
                            ),
                        ),
                        ("uidnext", models.BigIntegerField(default=1)),
                        ("highestmodseq", models.BigIntegerField(default=1)),
                        ("messages", models.BigIntegerField(default=0)),
                        ("unseen", models.BigIntegerField(default=0)),
                        ("size", models.BigIntegerField(default=0)),
                        ("recent_floor", models.BigIntegerField(default=1)),
                        ("expunged_floor", models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="Usage",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="usage",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("size", models.BigIntegerField(default=0)),
                        ("messages", models.BigIntegerField(default=0)),
                        ("reserved", models.BigIntegerField(default=0)),
                        ("expunged", models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="QuotaNotice",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="quota_notice",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("level", models.PositiveSmallIntegerField()),
                        ("told_at", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Message",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("trace_id", models.UUIDField(db_index=True)),
                        ("prefix", models.BinaryField(default=b"")),
                        ("cuts", models.TextField(default="[]")),
                        ("size", models.BigIntegerField()),
                        ("header_size", models.BigIntegerField()),
                        ("header", models.BinaryField()),
                        ("envelope", models.BinaryField()),
                        ("bodystructure", models.BinaryField()),
                        ("parts", models.BinaryField()),
                        ("subject", models.CharField(default="", max_length=1000)),
                        ("sender_name", models.CharField(default="", max_length=300)),
                        ("sender_address", models.CharField(default="", max_length=320)),
                        ("recipients", models.TextField(default="")),
                        ("sent_at", models.DateTimeField(null=True)),
                        ("sent_date", models.DateField(null=True)),
                        ("message_id", models.CharField(default="", max_length=998)),
                        ("in_reply_to", models.CharField(default="", max_length=998)),
                        ("references", models.TextField(default="")),
                        ("preview", models.CharField(default="", max_length=300)),
                        ("has_attachments", models.BooleanField(default=False)),
                        ("created_at", models.BigIntegerField()),
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
                        "indexes": [
                            models.Index(
                                condition=models.Q(("has_attachments", True)),
                                fields=["id"],
                                name="message_attached",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LineSize",
                    fields=[
                        (
                            "message",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                serialize=False,
                                to="mailstore.message",
                            ),
                        ),
                        ("growth", models.BigIntegerField()),
                        ("ascii_growth", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="DeliveryHead",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("raw", models.BinaryField()),
                    ],
                ),
                migrations.CreateModel(
                    name="ThreadReference",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "user_id",
                                "digest",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("digest", models.BigIntegerField()),
                        ("thread_id", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "mailbox_id",
                                "uid",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("uid", models.BigIntegerField()),
                        ("flags", models.SmallIntegerField(default=0)),
                        ("keywords", models.BigIntegerField(default=0)),
                        ("modseq", models.BigIntegerField()),
                        ("internaldate", models.BigIntegerField()),
                        ("internaldate_offset", models.SmallIntegerField(default=0)),
                        ("saved_at", models.BigIntegerField()),
                        ("size", models.BigIntegerField()),
                        (
                            "head",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="mailstore.deliveryhead",
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="mailstore.message",
                            ),
                        ),
                        ("thread_id", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["mailbox", "modseq"], name="entry_modseq"),
                            models.Index(
                                fields=["mailbox", "internaldate", "uid"], name="entry_date"
                            ),
                            models.Index(
                                condition=models.Q(("thread_id__isnull", False)),
                                fields=["mailbox", "thread_id", "internaldate", "uid"],
                                name="entry_conversation",
                            ),
                            models.Index(
                                condition=models.Q(("thread_id__isnull", True)),
                                fields=["mailbox", "uid"],
                                name="entry_unthreaded",
                            ),
                            models.Index(
                                condition=models.Q(
                                    django.db.models.lookups.Exact(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("flags"), "&", models.Value(1)
                                        ),
                                        0,
                                    )
                                ),
                                fields=["mailbox", "internaldate", "uid"],
                                name="entry_unseen",
                            ),
                            models.Index(
                                condition=models.Q(
                                    django.db.models.lookups.GreaterThan(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("flags"), "&", models.Value(4)
                                        ),
                                        0,
                                    )
                                ),
                                fields=["mailbox", "internaldate", "uid"],
                                name="entry_starred",
                            ),
                            models.Index(
                                condition=models.Q(("keywords", 0), _negated=True),
                                fields=["mailbox", "internaldate", "uid", "keywords"],
                                name="entry_labelled",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MailboxRight",
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
                        ("rights", models.CharField(max_length=20)),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="granted",
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("user__isnull", False)),
                                fields=("mailbox", "user"),
                                name="mailbox_right_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("user__isnull", True)),
                                fields=("mailbox",),
                                name="mailbox_right_of_anyone_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Annotation",
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
                        ("entry", models.CharField(max_length=255)),
                        ("value", models.BinaryField()),
                        (
                            "mailbox",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="annotations",
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
                                condition=models.Q(("mailbox__isnull", False)),
                                fields=("mailbox", "user", "entry"),
                                name="annotation_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("mailbox__isnull", True)),
                                fields=("user", "entry"),
                                name="annotation_of_account_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Keyword",
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
                        ("bit", models.PositiveSmallIntegerField()),
                        ("name", models.CharField(max_length=100)),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, to="mailstore.mailbox"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("mailbox", "bit"), name="keyword_bit_once"
                            ),
                            models.UniqueConstraint(
                                models.F("mailbox"),
                                django.db.models.functions.text.Lower("name"),
                                name="keyword_name_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="JunkMark",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("blob_id", models.UUIDField(db_index=True)),
                        (
                            "judged",
                            models.CharField(
                                choices=[
                                    ("spam", "Spam"),
                                    ("ham", "Ham"),
                                    ("kept", "Kept"),
                                    ("unspam", "Unspam"),
                                    ("unham", "Unham"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("at", models.BigIntegerField()),
                        ("tries", models.SmallIntegerField(default=0)),
                        ("lease_until", models.BigIntegerField(default=0)),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Unindexed",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("user_id", models.BigIntegerField(db_index=True)),
                        ("message_id", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Expunged",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "mailbox_id",
                                "uid",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("uid", models.BigIntegerField()),
                        ("modseq", models.BigIntegerField()),
                        ("at", models.BigIntegerField()),
                        ("flags", models.SmallIntegerField(default=0)),
                        ("keywords", models.BigIntegerField(default=0)),
                        ("internaldate", models.BigIntegerField()),
                        ("internaldate_offset", models.SmallIntegerField(default=0)),
                        ("size", models.BigIntegerField()),
                        ("user_id", models.BigIntegerField(null=True)),
                        (
                            "head",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="mailstore.deliveryhead",
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="mailstore.mailbox",
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="mailstore.message",
                            ),
                        ),
                        ("cost", models.BigIntegerField(default=0)),
                        ("thread_id", models.BigIntegerField(null=True)),
                        ("saved_at", models.BigIntegerField(null=True)),
                        (
                            "fate",
                            models.SmallIntegerField(
                                choices=[
                                    (0, "Expunged"),
                                    (1, "Moved"),
                                    (2, "Restored"),
                                    (3, "Replaced"),
                                ],
                                default=0,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["mailbox", "modseq"], name="expunged_modseq"),
                            models.Index(fields=["at"], name="expunged_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Change",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.BigIntegerField()),
                        ("mailbox_id", models.BigIntegerField()),
                        ("user_id", models.BigIntegerField(null=True)),
                        ("what", models.CharField(max_length=12)),
                        ("uids", models.TextField()),
                        ("modseq", models.BigIntegerField()),
                        ("before", models.TextField(default="")),
                        ("after", models.TextField(default="")),
                        ("door", models.CharField(max_length=12)),
                        ("client", models.CharField(default="", max_length=200)),
                        ("address", models.CharField(default="", max_length=45)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["mailbox_id", "modseq"], name="change_mailbox"),
                            models.Index(fields=["at"], name="change_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SetAside",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.BigIntegerField()),
                        ("kind", models.CharField(max_length=20)),
                        ("place", models.CharField(max_length=1500)),
                        ("row", models.TextField()),
                    ],
                ),
            ]
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
