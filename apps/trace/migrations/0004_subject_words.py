"""The words of subjects, so that a trace is found by them; and Message-IDs in the order of time."""

from typing import Any

from django.db import migrations, models

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


def make(apps: Any, schema_editor: Any) -> None:
    """Make the table."""
    on_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in (_SQLITE,) if on_sqlite else _POSTGRES:
        schema_editor.execute(statement)


def drop(apps: Any, schema_editor: Any) -> None:
    """Drop it."""
    schema_editor.execute("DROP TABLE trace_subject")


class Migration(migrations.Migration):
    dependencies = [("trace", "0003_passages")]

    operations = [
        migrations.RemoveIndex(model_name="passage", name="passage_message"),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(fields=["message_id", "at"], name="passage_message"),
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
    ]
