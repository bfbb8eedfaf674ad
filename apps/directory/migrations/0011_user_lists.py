"""Who was seen when, of the sign-ins that are kept; and indexes for lists of who was not seen for long, and of who
was removed. Nobody waits for them: the service may go on meanwhile.
"""

from django.db import migrations, models
from django.db.models.functions import Coalesce

from apps.runtime.indexes import AddIndexBeside

# A look at the end of an index for each user: a mail program leaves hundreds of sign-ins.
FILL = """
UPDATE directory_user SET seen_at = (
  SELECT s.last_at FROM directory_signin AS s
  WHERE s.user_id = directory_user.id AND s.outcome = 'ok' AND s.means <> 'acting'
  ORDER BY s.last_at DESC LIMIT 1
) WHERE seen_at IS NULL AND id > %s AND id <= %s"""
BATCH = 2_000


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM directory_user")
        last = cursor.fetchone()[0] or 0
        for first in range(0, last, BATCH):
            cursor.execute(FILL, [first, first + BATCH])


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('directory', '0010_user_seen_at'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        AddIndexBeside(
            model_name='user',
            index=models.Index(Coalesce('seen_at', 'created_at'), models.F('id'), name='user_idle'),
        ),
        AddIndexBeside(
            model_name='user',
            index=models.Index(condition=models.Q(('removed_at__isnull', False)), fields=['removed_at', 'id'], name='user_removed'),
        ),
    ]
