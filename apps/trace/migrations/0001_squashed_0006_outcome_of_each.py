"""The flight recorder: what happened to each message, and what finds and counts it."""

from django.db import migrations, models

from apps.runtime.tables import MakeTables

# Which rows a word is in is all that is asked (detail=none); how long texts are, never. Words come
# folded already, with spaces between them: to `ascii`, whatever is not ASCII is of a word.
_SQLITE = """
CREATE VIRTUAL TABLE trace_subject USING fts5(
  words, trace_id UNINDEXED, detail=none, columnsize=0, prefix='3',
  tokenize='ascii')"""
_POSTGRES = (
    "CREATE TABLE trace_subject"
    " (rowid bigint PRIMARY KEY, words tsvector NOT NULL, trace_id uuid NOT NULL)",
    "CREATE INDEX trace_subject_words ON trace_subject USING gin (words)",
)


def make(apps, schema_editor):
    """Make the table of words in subjects."""
    on_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in (_SQLITE,) if on_sqlite else _POSTGRES:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    """Drop it."""
    schema_editor.execute("DROP TABLE trace_subject")


class Migration(migrations.Migration):
    replaces = [
        ("trace", "0001_initial"),
        ("trace", "0002_outgoing"),
        ("trace", "0003_passages"),
        ("trace", "0004_subject_words"),
        ("trace", "0005_flow"),
        ("trace", "0006_outcome_of_each"),
    ]

    initial = True

    dependencies = []

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="TraceEvent",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("trace_id", models.UUIDField()),
                        ("at", models.BigIntegerField()),
                        ("kind", models.CharField(max_length=40)),
                        ("data", models.TextField(default="{}")),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["trace_id", "id"], name="trace_message"),
                            models.Index(fields=["at"], name="trace_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sent",
                    fields=[
                        ("trace_id", models.UUIDField(primary_key=True, serialize=False)),
                        ("user_id", models.BigIntegerField()),
                        ("message_id", models.CharField(max_length=500)),
                        ("envelope_id", models.CharField(default="", max_length=100)),
                        ("at", models.BigIntegerField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["message_id", "user_id"], name="sent_message"),
                            models.Index(
                                condition=models.Q(("envelope_id", ""), _negated=True),
                                fields=["envelope_id", "user_id"],
                                name="sent_envelope",
                            ),
                            models.Index(fields=["at"], name="sent_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Passage",
                    fields=[
                        ("trace_id", models.UUIDField(primary_key=True, serialize=False)),
                        ("at", models.BigIntegerField()),
                        ("last_at", models.BigIntegerField()),
                        (
                            "direction",
                            models.CharField(
                                choices=[
                                    ("incoming", "Incoming"),
                                    ("outgoing", "Outgoing"),
                                    ("internal", "Internal"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("door", models.CharField(max_length=12)),
                        ("sender", models.CharField(max_length=320)),
                        ("recipient", models.CharField(default="", max_length=320)),
                        ("recipients", models.PositiveIntegerField(default=0)),
                        ("subject", models.CharField(default="", max_length=300)),
                        ("message_id", models.CharField(default="", max_length=500)),
                        ("address", models.CharField(default="", max_length=45)),
                        ("peer", models.CharField(default="", max_length=255)),
                        ("size", models.BigIntegerField(default=0)),
                        ("points", models.FloatField(null=True)),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("deferred", "Deferred"),
                                    ("held", "Held"),
                                    ("quarantined", "Quarantined"),
                                    ("delivered", "Delivered"),
                                    ("junk", "Junk"),
                                    ("put off", "Put Off"),
                                    ("refused", "Refused"),
                                    ("bounced", "Bounced"),
                                    ("cancelled", "Cancelled"),
                                    ("deleted", "Deleted"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("cause", models.CharField(default="", max_length=300)),
                        ("took", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["at", "trace_id"], name="passage_time"),
                            models.Index(fields=["outcome", "at"], name="passage_outcome"),
                            models.Index(fields=["address", "at"], name="passage_client"),
                            models.Index(fields=["message_id", "at"], name="passage_message"),
                        ],
                    },
                ),
            ]
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, drop)],
            state_operations=[
                migrations.CreateModel(
                    name="Subject",
                    fields=[
                        ("rowid", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("words", models.TextField()),
                        ("trace_id", models.UUIDField()),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name="Party",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("trace_id", models.UUIDField()),
                ("at", models.BigIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[("sender", "Sender"), ("written", "Written"), ("final", "Final")],
                        max_length=7,
                    ),
                ),
                ("address", models.CharField(max_length=320)),
                ("domain", models.CharField(max_length=255)),
                ("user_id", models.BigIntegerField(null=True)),
                ("domain_id", models.BigIntegerField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("deferred", "Deferred"),
                            ("held", "Held"),
                            ("quarantined", "Quarantined"),
                            ("delivered", "Delivered"),
                            ("junk", "Junk"),
                            ("put off", "Put Off"),
                            ("refused", "Refused"),
                            ("bounced", "Bounced"),
                            ("cancelled", "Cancelled"),
                            ("deleted", "Deleted"),
                        ],
                        max_length=12,
                        null=True,
                    ),
                ),
                ("took", models.BigIntegerField(null=True)),
                ("counted_id", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["address", "at"], name="party_address"),
                    models.Index(fields=["domain", "at"], name="party_domain"),
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)),
                        fields=["user_id", "at"],
                        name="party_user",
                    ),
                    models.Index(
                        condition=models.Q(("domain_id__isnull", False)),
                        fields=["domain_id", "at"],
                        name="party_home",
                    ),
                    models.Index(fields=["at"], name="party_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trace_id", "role", "address"), name="party_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Flow",
            fields=[
                ("received", models.BigIntegerField(default=0)),
                ("sent", models.BigIntegerField(default=0)),
                ("delivered", models.BigIntegerField(default=0)),
                ("handed", models.BigIntegerField(default=0)),
                ("junk", models.BigIntegerField(default=0)),
                ("quarantined", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("put_off", models.BigIntegerField(default=0)),
                ("deferred", models.BigIntegerField(default=0)),
                ("bounced", models.BigIntegerField(default=0)),
                ("viruses", models.BigIntegerField(default=0)),
                ("octets", models.BigIntegerField(default=0)),
                ("took", models.BigIntegerField(default=0)),
                ("took_0", models.BigIntegerField(default=0)),
                ("took_1", models.BigIntegerField(default=0)),
                ("took_2", models.BigIntegerField(default=0)),
                ("took_3", models.BigIntegerField(default=0)),
                ("took_4", models.BigIntegerField(default=0)),
                ("took_5", models.BigIntegerField(default=0)),
                ("took_6", models.BigIntegerField(default=0)),
                ("took_7", models.BigIntegerField(default=0)),
                ("took_8", models.BigIntegerField(default=0)),
                ("took_9", models.BigIntegerField(default=0)),
                ("took_10", models.BigIntegerField(default=0)),
                ("took_11", models.BigIntegerField(default=0)),
                ("took_12", models.BigIntegerField(default=0)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("span", models.PositiveIntegerField()),
                ("domain_id", models.BigIntegerField()),
                ("at", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["span", "at"], name="flow_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("span", "domain_id", "at"), name="flow_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="FlowTotal",
            fields=[
                ("received", models.BigIntegerField(default=0)),
                ("sent", models.BigIntegerField(default=0)),
                ("delivered", models.BigIntegerField(default=0)),
                ("handed", models.BigIntegerField(default=0)),
                ("junk", models.BigIntegerField(default=0)),
                ("quarantined", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("put_off", models.BigIntegerField(default=0)),
                ("deferred", models.BigIntegerField(default=0)),
                ("bounced", models.BigIntegerField(default=0)),
                ("viruses", models.BigIntegerField(default=0)),
                ("octets", models.BigIntegerField(default=0)),
                ("took", models.BigIntegerField(default=0)),
                ("took_0", models.BigIntegerField(default=0)),
                ("took_1", models.BigIntegerField(default=0)),
                ("took_2", models.BigIntegerField(default=0)),
                ("took_3", models.BigIntegerField(default=0)),
                ("took_4", models.BigIntegerField(default=0)),
                ("took_5", models.BigIntegerField(default=0)),
                ("took_6", models.BigIntegerField(default=0)),
                ("took_7", models.BigIntegerField(default=0)),
                ("took_8", models.BigIntegerField(default=0)),
                ("took_9", models.BigIntegerField(default=0)),
                ("took_10", models.BigIntegerField(default=0)),
                ("took_11", models.BigIntegerField(default=0)),
                ("took_12", models.BigIntegerField(default=0)),
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(default=0)),
                ("highest", models.BigIntegerField(default=0)),
                ("until", models.BigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
