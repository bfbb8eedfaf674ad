"""What the search index has yet to look at: all mail that is there already, to begin with."""

from django.db import migrations, models

_ALL = """
INSERT INTO mailstore_unindexed (user_id, message_id)
SELECT DISTINCT b.user_id, e.message_id FROM mailstore_entry AS e
JOIN mailstore_mailbox AS b ON b.id = e.mailbox_id"""


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0007_sharing_and_threads")]

    operations = [
        migrations.CreateModel(
            name="Unindexed",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField(db_index=True)),
                ("message_id", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(_ALL, migrations.RunSQL.noop),
    ]
