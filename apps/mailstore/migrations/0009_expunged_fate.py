"""What left a mailbox knows whether it can be brought back: what was moved away lives on elsewhere.

`Expunged.fate` is added by hand: Django would remake the table on SQLite, and lose its WITHOUT ROWID.
"""

from django.db import migrations, models

ADD_FATE = "ALTER TABLE mailstore_expunged ADD COLUMN fate smallint NOT NULL DEFAULT 0"
DROP_FATE = "ALTER TABLE mailstore_expunged DROP COLUMN fate"
# The journal is older than anything that is still kept of what left.
MOVED = """
UPDATE mailstore_expunged SET fate = 1 WHERE EXISTS (
  SELECT 1 FROM mailstore_change AS c WHERE c.mailbox_id = mailstore_expunged.mailbox_id
  AND c.modseq = mailstore_expunged.modseq AND c.what = 'move')"""


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0008_unindexed")]

    operations = [
        migrations.RunSQL(
            ADD_FATE,
            DROP_FATE,
            state_operations=[
                migrations.AddField(
                    model_name="expunged",
                    name="fate",
                    field=models.SmallIntegerField(
                        choices=[
                            (0, "Expunged"),
                            (1, "Moved"),
                            (2, "Restored"),
                            (3, "Replaced"),
                        ],
                        default=0,
                    ),
                )
            ],
        ),
        migrations.RunSQL(MOVED, migrations.RunSQL.noop),
    ]
