"""The search index on Postgres: a table of its own kind there, nothing on SQLite.

Texts stand within their row as long as that fits a page: a search for a common word reads most of
them. lz4, where this Postgres has it, is decompressed several times as fast.
"""

from django.db import DatabaseError, migrations, models, transaction

COLUMNS = ("sender", "to", "cc", "bcc", "subject", "header", "body", "filename")
TABLE = f"""
CREATE TABLE search_indexed (
  owner_id bigint NOT NULL, message_id bigint NOT NULL, is_apart boolean NOT NULL,
  {", ".join(f'"{name}" text COLLATE "C" NOT NULL' for name in COLUMNS)},
  PRIMARY KEY (owner_id, message_id)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)"""
APART = "CREATE INDEX search_indexed_apart ON search_indexed (owner_id) WHERE is_apart"


def forwards(apps, schema_editor):
    from apps.search.backends.postgres import make_trigrams

    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(TABLE)
    schema_editor.execute(APART)
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            for name in COLUMNS:
                schema_editor.execute(
                    f'ALTER TABLE search_indexed ALTER "{name}" SET COMPRESSION lz4'
                )
    except DatabaseError:
        pass  # built without it, or older than 14: the usual compression does
    make_trigrams()


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TABLE search_indexed")


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, backwards)],
            state_operations=[
                migrations.CreateModel(
                    name="Indexed",
                    fields=[
                        ("owner_id", models.BigIntegerField()),
                        ("message_id", models.BigIntegerField()),
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "owner_id",
                                "message_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("is_apart", models.BooleanField()),
                        *((name, models.TextField()) for name in COLUMNS),
                    ],
                )
            ],
        )
    ]
