"""Users' accounts count what they have expunged and what is kept of it for some days."""

from django.db import migrations, models

COUNT = """
UPDATE mailstore_usage SET expunged = (
  SELECT COALESCE(SUM(x.size), 0) FROM mailstore_expunged AS x
  JOIN mailstore_mailbox AS b ON b.id = x.mailbox_id WHERE b.user_id = mailstore_usage.user_id
) + (
  SELECT COALESCE(SUM(s.size), 0) FROM mailstore_mailboxstate AS s
  JOIN mailstore_mailbox AS b ON b.id = s.mailbox_id
  WHERE b.user_id = mailstore_usage.user_id AND b.deleted_at IS NOT NULL)"""


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0003_subscription")]

    operations = [
        migrations.AddField(
            model_name="usage", name="expunged", field=models.BigIntegerField(default=0)
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
