"""What waits to be delivered or sent."""

import apps.runtime.ulid
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    replaces = [
        ("mailqueue", "0001_initial"),
        ("mailqueue", "0002_outgoing"),
        ("mailqueue", "0003_reception"),
        ("mailqueue", "0004_lanes"),
        ("mailqueue", "0005_setting_aside"),
        ("mailqueue", "0006_queue_lists"),
        ("mailqueue", "0007_queue_sent"),
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
                    name="QueuedMessage",
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
                        ("trace_id", models.UUIDField(db_index=True)),
                        ("prefix", models.BinaryField(default=b"")),
                        ("cuts", models.TextField(default="[]")),
                        ("size", models.BigIntegerField()),
                        ("sender", models.CharField(max_length=320)),
                        ("smtputf8", models.BooleanField(default=False)),
                        ("body", models.CharField(default="", max_length=12)),
                        ("dsn_ret", models.CharField(default="", max_length=4)),
                        ("dsn_envid", models.CharField(default="", max_length=100)),
                        ("door", models.CharField(max_length=12)),
                        ("client", models.TextField(default="{}")),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("offered", "Offered"),
                                    ("accepted", "Accepted"),
                                    ("routed", "Routed"),
                                    ("refused", "Refused"),
                                    ("held", "Held"),
                                    ("done", "Done"),
                                    ("cancelled", "Cancelled"),
                                ],
                                max_length=9,
                            ),
                        ),
                        ("verdict", models.TextField(default="")),
                        ("received_at", models.BigIntegerField()),
                        ("hold_until", models.BigIntegerField(default=0)),
                        ("settled_at", models.BigIntegerField(null=True)),
                        ("lease_until", models.BigIntegerField(default=0)),
                        ("lease_token", models.UUIDField(null=True)),
                        ("claims", models.PositiveSmallIntegerField(default=0)),
                        ("crashes", models.PositiveSmallIntegerField(default=0)),
                        ("last_error", models.CharField(default="", max_length=500)),
                        (
                            "blob",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
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
                                on_delete=django.db.models.deletion.SET_NULL,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("requires_tls", models.BooleanField(default=False)),
                        ("signatures", models.BinaryField(default=b"")),
                        ("judgement", models.TextField(default="")),
                        (
                            "lane",
                            models.PositiveSmallIntegerField(
                                choices=[(0, "Fast"), (1, "Heavy")], default=0
                            ),
                        ),
                        ("is_cleared", models.BooleanField(default=False)),
                        ("offered_until", models.BigIntegerField(default=0)),
                        (
                            "domain",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="directory.domain",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["accepted", "offered"])),
                                fields=["lane", "lease_until", "hold_until", "received_at"],
                                name="queue_due",
                            ),
                            models.Index(
                                condition=models.Q(("state__in", ["done", "refused", "cancelled"])),
                                fields=["settled_at"],
                                name="queue_settled",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("state__in", ["offered", "accepted", "routed", "held"])
                                ),
                                fields=["id"],
                                name="queue_unfinished",
                            ),
                            models.Index(
                                condition=models.Q(("state", "held")),
                                fields=["id"],
                                name="queue_held",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("domain__isnull", False),
                                    ("state__in", ["offered", "accepted", "routed", "held"]),
                                ),
                                fields=["domain", "id", "state"],
                                name="queue_sent",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="QueuedRecipient",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("address", models.CharField(max_length=320)),
                        ("original", models.CharField(max_length=320)),
                        ("orcpt", models.CharField(default="", max_length=500)),
                        ("notify", models.CharField(default="", max_length=40)),
                        ("reserved", models.BigIntegerField(default=0)),
                        ("route", models.CharField(default="", max_length=8)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "Pending"),
                                    ("delivered", "Delivered"),
                                    ("quarantined", "Quarantined"),
                                    ("waiting", "Waiting"),
                                    ("failed", "Failed"),
                                    ("held", "Held"),
                                    ("deleted", "Deleted"),
                                    ("cancelled", "Cancelled"),
                                    ("refused", "Refused"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("next_attempt_at", models.BigIntegerField(default=0)),
                        ("lease_until", models.BigIntegerField(default=0)),
                        ("lease_token", models.UUIDField(null=True)),
                        ("claims", models.PositiveSmallIntegerField(default=0)),
                        ("last_reply", models.CharField(default="", max_length=500)),
                        (
                            "message",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recipients",
                                to="mailqueue.queuedmessage",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("crashes", models.PositiveSmallIntegerField(default=0)),
                        ("destination", models.CharField(default="", max_length=300)),
                        ("is_delay_told", models.BooleanField(default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "waiting")),
                                fields=["next_attempt_at", "destination"],
                                name="recipient_due",
                            ),
                            models.Index(
                                condition=models.Q(("state", "waiting")),
                                fields=["destination", "next_attempt_at", "id"],
                                name="recipient_destination",
                            ),
                            models.Index(
                                condition=models.Q(("state", "waiting")),
                                fields=["is_delay_told", "message"],
                                name="recipient_age",
                            ),
                            models.Index(
                                condition=models.Q(("crashes__gte", 2), ("state", "waiting")),
                                fields=["lease_until"],
                                name="recipient_suspect",
                            ),
                            models.Index(
                                condition=models.Q(("state", "held")),
                                fields=["destination", "message"],
                                name="recipient_held",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Destination",
                    fields=[
                        (
                            "name",
                            models.CharField(max_length=300, primary_key=True, serialize=False),
                        ),
                        ("closed_until", models.BigIntegerField(default=0)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("last_ok_at", models.BigIntegerField(default=0)),
                        ("last_failed_at", models.BigIntegerField(default=0)),
                        ("last_reply", models.CharField(default="", max_length=500)),
                        ("paused_at", models.BigIntegerField(db_default=0, default=0)),
                        ("paused_by", models.CharField(db_default="", default="", max_length=320)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("paused_at__gt", 0)),
                                fields=["name"],
                                name="destination_paused",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Aside",
                    fields=[
                        (
                            "message",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="aside",
                                serialize=False,
                                to="mailqueue.queuedmessage",
                            ),
                        ),
                        ("act", models.UUIDField(db_index=True)),
                        ("end", models.CharField(default="", max_length=6)),
                        ("due_at", models.BigIntegerField(default=0)),
                        ("by", models.CharField(max_length=320)),
                        ("reason", models.CharField(default="", max_length=500)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("offered", "Offered"),
                                    ("accepted", "Accepted"),
                                    ("routed", "Routed"),
                                    ("refused", "Refused"),
                                    ("held", "Held"),
                                    ("done", "Done"),
                                    ("cancelled", "Cancelled"),
                                ],
                                max_length=9,
                            ),
                        ),
                        ("error", models.CharField(default="", max_length=500)),
                        ("waiting", models.TextField(default="[]")),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__gt", 0)),
                                fields=["due_at"],
                                name="aside_due",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Attempt",
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
                        ("at", models.BigIntegerField()),
                        ("remote", models.CharField(max_length=300)),
                        ("reply", models.CharField(max_length=500)),
                        ("transcript", models.TextField(default="")),
                        (
                            "recipient",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                to="mailqueue.queuedrecipient",
                            ),
                        ),
                        ("outcome", models.CharField(default="", max_length=10)),
                        ("tls", models.CharField(default="", max_length=120)),
                    ],
                ),
            ]
        ),
    ]
