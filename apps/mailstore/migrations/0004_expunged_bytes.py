"""Users' accounts count what they have expunged and what is kept of it for some days.

`Expunged.cost` is added by hand: Django would remake the table on SQLite, and lose its WITHOUT ROWID.
"""

from django.db import migrations, models

ADD_COST = "ALTER TABLE mailstore_expunged ADD COLUMN cost bigint NOT NULL DEFAULT 0"
DROP_COST = "ALTER TABLE mailstore_expunged DROP COLUMN cost"
COST = "UPDATE mailstore_expunged SET cost = size"
COUNT = """
UPDATE mailstore_usage SET expunged = (
  SELECT COALESCE(SUM(x.cost), 0) FROM mailstore_expunged AS x
  JOIN mailstore_mailbox AS b ON b.id = x.mailbox_id WHERE b.user_id = mailstore_usage.user_id
) + (
  SELECT COALESCE(SUM(s.size), 0) FROM mailstore_mailboxstate AS s
  JOIN mailstore_mailbox AS b ON b.id = s.mailbox_id
  WHERE b.user_id = mailstore_usage.user_id AND b.deleted_at IS NOT NULL)"""


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0003_subscription")]

    operations = [
        migrations.RunSQL(
            ADD_COST,
            DROP_COST,
            state_operations=[
                migrations.AddField(
                    model_name="expunged", name="cost", field=models.BigIntegerField(default=0)
                )
            ],
        ),
        migrations.RunSQL(COST, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="usage", name="expunged", field=models.BigIntegerField(default=0)
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
