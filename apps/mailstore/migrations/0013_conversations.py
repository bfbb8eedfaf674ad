"""Conversations in a mailbox, and which message is the newest of each, by one index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailstore', '0012_quota_notices'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('thread_id__isnull', False)), fields=['mailbox', 'thread_id', 'internaldate', 'uid'], name='entry_conversation'),
        ),
    ]
